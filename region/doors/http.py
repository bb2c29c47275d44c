"""HTTP servers in our own loop, on sockets that are taken already, ended when we say so."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from region.doors.ciphers import CIPHERS
from region.doors.peer import CertificateProtocol
from region.doors.punctual import PunctualProtocol

_GRACE_S = 3


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers: the region has its own, and two of these."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        self.listening.set()

    def reload_certificate(self) -> None:
        """Read the certificate and key again, for connections to come.

        OSError when they cannot be read or do not belong together; those in use are kept then.
        """
        context, certificate = self.config.ssl, self.config.ssl_certfile
        if context is not None and certificate is not None:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, self.config.ssl_keyfile)
            context.load_cert_chain(certificate, self.config.ssl_keyfile)
            if self.config.ssl_ca_certs is not None:
                context.load_verify_locations(self.config.ssl_ca_certs)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def http_server(
    app: Any, certificate: Path | None = None, key: Path | None = None, clients: Path | None = None
) -> HttpServer:
    """A server for the application; over TLS when it gets a certificate.

    `clients` are the authorities whose clients' certificates are taken where one is shown (`region.doors.peer`).
    No access log: addresses of one-time links would stand in it.
    """
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, server_header=False, date_header=True,
        timeout_graceful_shutdown=_GRACE_S, proxy_headers=True, forwarded_allow_ips="127.0.0.1",
        limit_concurrency=2000, h11_max_incomplete_event_size=32 * 1024, ws="none",
        ssl_certfile=None if certificate is None else str(certificate), ssl_keyfile=None if key is None else str(key),
        ssl_ca_certs=None if clients is None else str(clients),
        ssl_cert_reqs=ssl.CERT_NONE if clients is None else ssl.CERT_OPTIONAL,
        ssl_ciphers=CIPHERS, http=PunctualProtocol if clients is None else CertificateProtocol,
    )  # fmt: skip
    return HttpServer(config)


async def serve_on(server: HttpServer, listener: socket.socket) -> None:
    """Serve until `server.should_exit`."""
    await server.serve(sockets=[listener])
