"""TURN credentials by coturn's REST scheme: the user name is when it expires, the password an HMAC of it.

Source: draft-uberti-behave-turn-rest-00; coturn's `use-auth-secret`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from messaging.call import IceServer

LIVES_S = 6 * 3600.0  # past any call; a relay's allocation is refreshed with the credentials of its call


@dataclass(frozen=True)
class TurnSettings:
    """Where the relays are (`turn:host:port`), the secret shared with them, and whether calls go by nothing else."""

    urls: tuple[str, ...]
    secret: str = field(repr=False)
    relay_only: bool = False


def ice_servers(settings: TurnSettings | None, holder: str, now: float) -> tuple[IceServer, ...]:
    """What one end of a call gets: the relay with its own credentials until `now` + LIVES_S (Unix seconds).

    `holder` tells the ends apart in the relay's log; it holds no colon.
    """
    if settings is None:
        return ()
    username = f"{int(now + LIVES_S)}:{holder}"
    mac = hmac.new(settings.secret.encode(), username.encode(), hashlib.sha1).digest()
    return (IceServer(settings.urls, username, base64.b64encode(mac).decode()),)
