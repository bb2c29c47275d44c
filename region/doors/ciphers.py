"""What our servers speak below TLS 1.3: forward secrecy and authenticated encryption, as OpenSSL calls them."""

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
