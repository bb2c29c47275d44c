"""Which STUN and TURN servers a peer connection asks, and how long it waits for them. No I/O.

All are asked side by side. An offer carries all its candidates, so it has to wait for some of them: not for a server
that is dead, and not for the slowest when a good answer is there.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from messaging.call import IceServer

_log = logging.getLogger(__name__)

MOST_STUN, MOST_TURN = 4, 8  # more are no help, and each is a socket
MOST_S = 1.5  # no offer waits longer
GRACE_S = 0.1  # for the rest, once there is an answer of each kind that is awaited
DEAD_S = 60.0  # a server that has not answered is asked again, and not waited for again, so long

Transport = Literal["udp", "tcp", "tls"]
_PREFERENCE: dict[Transport, int] = {"udp": 0, "tcp": 1, "tls": 2}
# RFC 7064 and RFC 7065, with a port and a transport as browsers take them.
_URL = re.compile(
    r"(?P<scheme>stun|turn|turns):(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:?/@\s]+)"
    r"(?::(?P<port>\d{1,5}))?(?:\?transport=(?P<transport>udp|tcp))?"
)


@dataclass(frozen=True)
class StunServer:
    """Tells an address of ours as the world sees it; by UDP."""

    host: str
    port: int


@dataclass(frozen=True)
class TurnServer:
    """Lends an address of its own. `tls` is TURN over TLS over TCP, for networks that let nothing else out."""

    host: str
    port: int
    transport: Transport
    username: str | None = field(default=None, repr=False)
    credential: str | None = field(default=None, repr=False)


Server = StunServer | TurnServer


@dataclass(frozen=True)
class IcePlan:
    """What to ask. With `relay_only` no address of the station itself is offered, and nothing goes but by a relay."""

    stun: tuple[StunServer, ...] = ()
    turn: tuple[TurnServer, ...] = ()
    relay_only: bool = False


def read_plan(servers: Iterable[IceServer], relay_only: bool = False) -> IcePlan:
    """The servers that the region gave, relays in the order they are preferred: UDP, TCP, TLS.

    One that is none, or that we cannot use (TURN over DTLS), is left out and said in the log.
    """
    stun: dict[StunServer, None] = {}
    turn: dict[TurnServer, None] = {}
    for given in servers:
        for url in given.urls:
            server = _read(url, given)
            if isinstance(server, TurnServer):
                turn[server] = None
                if server.transport == "udp":  # it tells us our address as well (RFC 8656)
                    stun[StunServer(server.host, server.port)] = None
            elif server is not None:
                stun[server] = None
            else:
                _log.warning("the region gave an ICE server that we cannot use; it is left out")
    by_preference = sorted(turn, key=lambda server: _PREFERENCE[server.transport])
    return IcePlan(() if relay_only else tuple(stun)[:MOST_STUN], tuple(by_preference)[:MOST_TURN], relay_only)


def _read(url: str, given: IceServer) -> Server | None:
    found = _URL.fullmatch(url)
    if found is None:
        return None
    scheme, host, transport = found["scheme"], found["host"].strip("[]"), found["transport"]
    port = int(found["port"] or (5349 if scheme == "turns" else 3478))
    if not 0 < port < 65536 or (scheme == "stun" and transport) or (scheme == "turns" and transport == "udp"):
        return None
    if scheme == "stun":
        return StunServer(host, port)
    kind: Transport = "tls" if scheme == "turns" else "tcp" if transport == "tcp" else "udp"
    return TurnServer(host, port, kind, given.username, given.credential)


class Reachability:
    """Which servers have not answered lately, from one peer connection to the next. Times are monotonic seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._dead: dict[tuple[str, int, str], float] = {}

    def answered(self, server: Server) -> None:
        """It is there."""
        self._dead.pop(_address(server), None)

    def silent(self, server: Server) -> None:
        """It has failed, or not answered in time; one that refuses at once is not silent."""
        self._dead[_address(server)] = self._monotonic() + DEAD_S

    def forget(self) -> None:
        """Another network: what was silent may be there."""
        self._dead.clear()

    def awaited(self, plan: IcePlan) -> frozenset[Server]:
        """The servers that an offer waits for: those not known to be dead; when nothing goes without a relay, all."""
        now = self._monotonic()
        self._dead = {address: until for address, until in self._dead.items() if until > now}
        servers: tuple[Server, ...] = (*plan.stun, *plan.turn)
        alive = frozenset(server for server in servers if _address(server) not in self._dead)
        return alive or (frozenset(servers) if plan.relay_only else alive)


class Patience:
    """How long one offer waits. `heard` and `until` in monotonic seconds."""

    def __init__(self, awaited: frozenset[Server], now: float) -> None:
        self._open = set(awaited)
        self._kinds = {type(server) for server in awaited}
        self._deadline = now + MOST_S

    def heard(self, server: Server, answered: bool, now: float) -> None:
        """A server has answered, or failed for good."""
        self._open.discard(server)
        if answered:
            self._kinds.discard(type(server))
            if not self._kinds:
                self._deadline = min(self._deadline, now + GRACE_S)

    @property
    def over(self) -> bool:
        """Whether nobody is waited for any more."""
        return not self._open

    @property
    def until(self) -> float:
        """When waiting ends by itself."""
        return self._deadline


def _address(server: Server) -> tuple[str, int, str]:
    return server.host, server.port, server.transport if isinstance(server, TurnServer) else "stun"
