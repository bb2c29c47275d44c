"""TURN credentials by coturn's REST scheme: the user name is when it expires, the password an HMAC of it.

Source: draft-uberti-behave-turn-rest-00; coturn's `use-auth-secret`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from messaging.call import IceServer

LIVES_S = 6 * 3600.0  # past any call; a relay's allocation is refreshed with the credentials of its call


@dataclass(frozen=True)
class TurnSettings:
    """Where the relays are (`turn:host:port`), the secret shared with them, and whether calls go by nothing else."""

    urls: tuple[str, ...]
    secret: str = field(repr=False)
    relay_only: bool = False


class Relays:
    """What the ends of a call are given: credentials of their own, and whether they may use nothing else."""

    def __init__(self, settings: TurnSettings | None, wall: Callable[[], float]) -> None:
        self._settings = settings
        self._wall = wall

    @property
    def only(self) -> bool:
        """Calls go by a relay and no other way."""
        return self._settings is not None and self._settings.relay_only

    def servers(self, holder: str) -> tuple[IceServer, ...]:
        """As `ice_servers`, from now on."""
        return ice_servers(self._settings, holder, self._wall())


def ice_servers(settings: TurnSettings | None, holder: str, now: float) -> tuple[IceServer, ...]:
    """What one end of a call gets: the relay with its own credentials until `now` + LIVES_S (Unix seconds).

    `holder` tells the ends apart in the relay's log; it holds no colon.
    """
    if settings is None:
        return ()
    username = f"{int(now + LIVES_S)}:{holder}"
    mac = hmac.new(settings.secret.encode(), username.encode(), hashlib.sha1).digest()
    return (IceServer(settings.urls, username, base64.b64encode(mac).decode()),)
