"""The clinician looks closer, over one peer connection: what is asked is done, and what is seen is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from aiortc import RTCDataChannel
from aiortc.exceptions import InvalidStateError

from device.call.peer_control import (
    Closer,
    Follow,
    Look,
    TakeStill,
    UseCamera,
    no_still_message,
    view_message,
)
from device.call.peer_still import StillChannel
from device.hardware.ports import Crop
from device.media.closer import Seeing
from device.media.errors import NoStill
from device.media.media import Media
from messaging.clock import Clock

_log = logging.getLogger(__name__)

MOST_A_SECOND = 20
TELL_S = 0.25
_SEARCH_TELLS = 8  # cameras are looked for every two seconds


class Allowance:
    """So many a second, and as many at once. Pure; times are monotonic seconds."""

    def __init__(self, a_second: int) -> None:
        self._a_second = a_second
        self._left = float(a_second)
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether there is room for one more."""
        self._left = min(float(self._a_second), self._left + max(0.0, now - self._at) * self._a_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class PeerLooking:
    """Takes nothing and tells nothing before `open_gate`. `say` sends a control message, if the channel is open."""

    def __init__(
        self, media: Media, clock: Clock, still: RTCDataChannel, rate: Callable[[], int], say: Callable[[str], bool]
    ) -> None:
        self._closer = media.closer
        self._clock = clock
        self._still = StillChannel(still, clock, rate)
        self._say = say
        self._allowance = Allowance(MOST_A_SECOND)
        self._sending = False
        self._told: Seeing | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def open_gate(self) -> None:
        """The resident has agreed."""
        if not self._tasks and not self._closed:
            self._spawn(self._tell())

    def take(self, wish: Closer) -> bool:
        """Do it, or begin to; False if it is refused: before the gate is open, or too often."""
        if not self._tasks or not self._allowance.take(self._clock.monotonic()):
            return False
        match wish:
            case Look(x, y, size):
                self._closer.look(Crop(x, y, size))
            case Follow(on):
                self._closer.follow(on)
            case UseCamera(which):
                self._spawn(self._closer.use(which))
            case TakeStill():
                self._spawn(self._take_still())
        return True

    async def close(self) -> None:
        """Leave nothing running, and nothing of a still in memory."""
        self._closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self) -> None:
        tells = 0
        while True:
            if tells % _SEARCH_TELLS == 0:
                await self._closer.find_cameras()
            tells += 1
            seeing = self._closer.seeing()
            if seeing != self._told and self._say(view_message(seeing)):
                self._told = seeing
            await self._clock.sleep(TELL_S)

    async def _take_still(self) -> None:
        if self._sending:
            self._say(no_still_message("busy"))
            return
        self._sending = True
        try:
            await self._send_still()
        except NoStill as error:
            self._say(no_still_message(error.code))
        except TimeoutError:
            self._say(no_still_message("timeout"))
        except InvalidStateError:
            _log.info("the connection closed before a still was sent")
        finally:
            self._sending = False

    async def _send_still(self) -> None:
        still = await self._closer.still()
        try:
            await self._still.send(still)
        finally:
            still.wipe()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
