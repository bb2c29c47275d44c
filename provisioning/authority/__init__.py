"""The region's half of provisioning: the certificate authority and the rules of enrolment. No database, no HTTP.

Errors (each has a stable word `code`, safe to count, to log and to send)::

    AuthorityError
    ├── AuthorityUnusable       the authority's directory is damaged, foreign or cannot be written
    ├── AuthorityAway           the process that holds the keys does not answer
    ├── WrongPassphrase         the passphrase does not open this file
    ├── RequestRefused          what was sent is no certificate request that we take
    │   ├── OversizedRequest    larger than any honest request
    │   ├── MalformedRequest    not base64 DER PKCS #10, or not HTTP Basic
    │   ├── KeyRefused          not an EC P-256 key, or the request is not signed with it
    │   └── TooMuchAsked        extensions, alternative names or other attributes: a station gets its name, nothing else
    └── EnrolmentRefused        the request is sound, but this station does not get what it asks for
        ├── WrongCode           no such station, no code waiting for it, or another code (deliberately one word)
        ├── CodeExpired         the right code, too late
        ├── CodeUsed            the right code, already used with another key
        ├── StationBarred       the registry has shut the station out
        ├── UnknownKey          no station was ever given a certificate for this key
        ├── CertificateNeeded   the key's certificate is valid, and the connection did not show it
        ├── ForeignCertificate  the connection shows another key's certificate
        ├── NotAskedFor         nobody has asked this station for what it hands in
        ├── RenewalTooLate      expired more than 180 days ago: only a new code helps
        └── TooManyTries        guesses from this source; `retry_after_s` tells when to come again
"""
