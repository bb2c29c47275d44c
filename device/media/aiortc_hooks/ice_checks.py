"""ICE: a connectivity check asks again twice a second for as long as its connection is wanted.

aioice doubles the wait after each try (RFC 8489, 6.2.1), so that a line which comes back after ten seconds of silence
may wait eight more to be noticed, and gives up after a minute. A call whose line is lost has no time for the first,
and ends its connections itself.
"""

from __future__ import annotations

from typing import Any

import aioice.stun

CHECK_S = 0.5  # RFC 8445, 14.3: no less than 500 ms
MOST_TRIES = 120  # no connection is being made for so long: the session gives up first

_Stock = aioice.stun.Transaction


class SteadyTransaction(_Stock):
    """A transaction whose connectivity checks keep their pace; everything else, relays too, is as it was."""

    def __init__(self, request: aioice.stun.Message, *more: Any, **named: Any) -> None:
        super().__init__(request, *more, **named)
        self._steady = (
            request.message_method == aioice.stun.Method.BINDING
            and "USERNAME" in request.attributes
            and named.get("retransmissions") is None
        )
        if self._steady:
            self._Transaction__tries_max = MOST_TRIES

    def _Transaction__retry(self) -> None:  # noqa: N802 - the name that Python gives to aioice's private method
        if self._steady:
            self._Transaction__timeout_delay = CHECK_S
        _Stock._Transaction__retry(self)  # type: ignore[attr-defined]


def install_checks() -> None:
    """Put it where aioice looks for it; doing it again changes nothing."""
    aioice.stun.Transaction = SteadyTransaction  # type: ignore[misc]
