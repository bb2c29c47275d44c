"""Who may use the panel: the one with the link, from this machine, from a page of the panel's own."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from dataclasses import dataclass, field
from typing import Literal

from kiosk_ui.panel import PanelError

COOKIE = "laegeknap_panel"
Visit = Literal["known", "welcome", "used", "stranger"]


@dataclass
class Access:
    """The link's token, good once; it buys a cookie, good for as long as the demo: a restarted panel knows it."""

    token: str = field(repr=False)
    _used: bool = False

    @property
    def cookie(self) -> str:
        """The cookie's value; the token cannot be had from it."""
        return hmac.new(self.token.encode(), b"laegeknap panel cookie", hashlib.sha256).hexdigest()

    def visit(self, cookie: str, token: str) -> Visit:
        """Judge a visitor by its cookie and by the token in the address; a `welcome` uses the token up."""
        if self.knows(cookie):
            return "known"
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return "stranger"
        if self._used:
            return "used"
        self._used = True
        return "welcome"

    def knows(self, cookie: str) -> bool:
        """Whether this is the cookie that was bought with the link."""
        return hmac.compare_digest(cookie.encode(), self.cookie.encode())


def loopback(host: str) -> str:
    """The loopback address that `host` means; PanelError for every other."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise PanelError(f"{host} is no address; the panel serves 127.0.0.1 only") from None
    if not address.is_loopback:
        raise PanelError(f"{host} can be reached from other machines; the panel serves 127.0.0.1 only")
    return str(address)


def listen(host: str, port: int) -> socket.socket:
    """Take the port, or PanelError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise PanelError(
            f"port {port} on {host} cannot be used ({error.strerror}); choose another with --port"
        ) from error
    return taken


def allowed_hosts(host: str, port: int) -> frozenset[str]:
    """What a browser on this machine may say in `Host`; another name is a page that wants to be taken for ours."""
    name = f"[{host}]" if ":" in host else host
    return frozenset(f"{each}:{port}" for each in (name, "localhost"))


def same_origin(origin: str | None, host: str) -> bool:
    """Whether a changing request comes from a page of the host it is sent to."""
    return origin == f"http://{host}"
