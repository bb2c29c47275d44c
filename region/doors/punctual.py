"""HTTP/1.1 for clients that do not dawdle: whoever holds connections open by sending next to nothing loses them.

uvicorn waits for the rest of a request for ever, and refuses everybody while too many connections are open.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

WHOLE_WITHIN_S = 60.0  # for the largest table that is taken in, a line of 600 kbit/s
_UNDER_WAY = ("IDLE", "SEND_BODY")  # of the client, as h11 names the states of its table


class PunctualProtocol(H11Protocol):
    """uvicorn's, with an end to a request that is not whole in time; how long an answer takes is the site's."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: its first request is awaited."""
        super().connection_made(transport)
        self._look()

    def handle_events(self) -> None:
        """Something came, or what came before is looked at now."""
        super().handle_events()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._forget()
        super().connection_lost(exc)

    def _look(self) -> None:
        if str(self.conn.their_state) not in _UNDER_WAY:
            self._forget()
        elif self._patience is None:
            self._patience = self.loop.call_later(WHOLE_WITHIN_S, self.transport.abort)

    def _forget(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
