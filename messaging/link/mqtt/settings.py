"""Where the broker is, who we are, and how that is told to a client of paho's."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt

CONNECT_S = 8.0
KEEPALIVE_S = 30
_SESSION_EXPIRY_S = 24 * 3600
_RECEIVE_MAXIMUM = 20


@dataclass(frozen=True)
class MqttSettings:
    """Where the broker is, and who we are. Paths of PEM files; the files are read at each connection.

    `kept_s`: how long the broker keeps what comes while we are away; 0 for a client that only speaks.
    `at_once`: how many messages the broker may have sent us without an acknowledgement.
    """

    host: str
    port: int
    client_id: str
    ca: Path
    certificate: Path
    key: Path
    kept_s: int = _SESSION_EXPIRY_S
    at_once: int = _RECEIVE_MAXIMUM


class _Tls(ssl.SSLSocket):
    """One whose handshake has failed is closed: paho only forgets it."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def secure(client: mqtt.Client, settings: MqttSettings) -> None:
    """Mutual TLS with what the files hold now; OSError where they do not."""
    context = ssl.create_default_context(cafile=str(settings.ca))
    context.sslsocket_class = _Tls
    context.load_cert_chain(settings.certificate, settings.key)
    client.tls_set_context(context)
