"""A still on its way to the clinician, over a data channel of its own (`still`, negotiated, id 1).

One at a time: a text `{"id","bytes","width","height"}`, then the JPEG in pieces of 16 KiB. Sound and picture come
first: a piece leaves when the one before has, and no more of them in a second than the line has room for beside those.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from aiortc import RTCDataChannel
from aiortc.exceptions import InvalidStateError

from device.media.closer import Still
from messaging.clock import Clock

LABEL, CHANNEL_ID = "still", 1
PIECE = 16 * 1024
TIMEOUT_S = 120.0  # a megabyte and a half on the thinnest line
UNTOLD_BPS, LEAST_BPS, MOST_BPS = 250_000, 150_000, 2_000_000
_AMPLE = 0.8  # of the best picture: a line that carries so much has room for more


def pace(picture_bps: int | None, best_bps: int) -> int:
    """Bits a second for the still, beside a picture that has room for `picture_bps` (None: not known yet).

    It is asked before each piece: a still that fills the line makes the picture smaller, and is slower then itself.
    """
    if picture_bps is None:
        return UNTOLD_BPS
    ample = picture_bps >= _AMPLE * best_bps
    return MOST_BPS if ample else min(MOST_BPS, max(LEAST_BPS, picture_bps // 2))


class StillChannel:
    """The sending end. `rate` gives the bits a second for the next piece."""

    def __init__(self, channel: RTCDataChannel, clock: Clock, rate: Callable[[], int]) -> None:
        self._channel = channel
        self._clock = clock
        self._rate = rate
        self._sent = 0
        self._low = asyncio.Event()
        channel.on("bufferedamountlow", self._low.set)

    async def send(self, still: Still) -> None:
        """Send it all; TimeoutError if the line does not take it in time, InvalidStateError if there is none left."""
        async with asyncio.timeout(TIMEOUT_S):
            self._sent += 1
            data = still.data
            header = {"id": self._sent, "bytes": len(data), "width": still.width, "height": still.height}
            self._say(json.dumps(header, separators=(",", ":")))
            for start in range(0, len(data), PIECE):
                if start:
                    await self._clock.sleep(PIECE * 8 / self._rate())
                await self._drained()
                self._say(data[start : start + PIECE].tobytes())

    def _say(self, data: str | bytes) -> None:
        if self._channel.transport.transport.state != "connected":  # the channel itself learns of it later
            raise InvalidStateError("the browser has left this connection")
        self._channel.send(data)

    async def _drained(self) -> None:
        while self._channel.bufferedAmount:
            self._low.clear()
            await self._low.wait()
