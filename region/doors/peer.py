"""The certificate that a client has shown, handed to the application as ASGI's TLS extension has it.

uvicorn does not offer that extension. Source: ASGI specs, `extensions["tls"]["client_cert_chain"]`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from region.doors.punctual import PunctualProtocol

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


class CertificateProtocol(PunctualProtocol):
    """HTTP/1.1, with the peer's certificate in each request's scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: what it has shown holds for all its requests."""
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        shown = secured.getpeercert(binary_form=True) if secured is not None else None
        chain = [] if shown is None else [ssl.DER_cert_to_PEM_cert(shown)]
        self.app = _with_chain(self.app, chain)


def shown_certificate(scope: Scope) -> str | None:
    """The client's certificate, PEM, verified by TLS; None when it showed none."""
    chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain", [])
    return chain[0] if chain else None


def _with_chain(app: Any, chain: list[str]) -> App:
    async def with_chain(scope: Scope, receive: Any, send: Any) -> None:
        scope.setdefault("extensions", {})["tls"] = {"client_cert_chain": chain}
        await app(scope, receive, send)

    return with_chain
