"""The sound processor of a room: echo cancelling between the speaker's thread and the microphone's."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from device.hardware.ports import Block
from device.hardware.sound import silence
from device.media.acoustics.apart import Apart
from device.media.acoustics.drift import EchoDrift
from device.media.acoustics.far_end import FarEnd, FarEndCounts
from device.media.acoustics.yielding import Yielding
from device.media.echo import Met
from device.media.errors import CancellerFailed
from messaging.health import Echo

_log = logging.getLogger(__name__)

# From the speaker's thread to the microphone's on the quickest sound card: 20 ms are held ahead, the server and the
# card add one period of theirs each way. It is only where the canceller begins to look; the rest it measures itself.
USUAL_DELAY_MS = 60.0


class Processing(Protocol):
    """What `voice.Voice` does."""

    def process(self, far: Block, near: Block, delay_ms: float) -> Block:
        """As Voice.process."""


class RoomSound:
    """Sends what the microphone hears without what the speaker plays, once the canceller has been loaded.

    It stands aside for a speakerphone that does this itself. Without a canceller the microphone is sent as it is:
    a call with echo is better than none. `state` says which; it goes to health.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._far = FarEnd(monotonic)
        self._yielding = Yielding()
        self._apart = Apart()
        self._drift = EchoDrift()
        self._processing: Processing | None = None
        self._failed = False
        self._aside = False
        self._lock = threading.Lock()  # between a call's end and the block that is being processed

    @property
    def state(self) -> Echo:
        """Who cancels the echo now."""
        if self._aside:
            return "device"
        if self._failed:
            return "failed"
        return "loading" if self._processing is None else "station"

    @property
    def counts(self) -> FarEndCounts:
        """What was done to keep the two streams together."""
        return self._far.counts

    def load(self, make: Callable[[], Processing]) -> None:
        """Make the canceller: takes long, so from a thread. If it cannot be had, that is logged and told by `state`."""
        try:
            processing = make()
        except CancellerFailed as error:
            self._fail(error)
        else:
            with self._lock:
                self._processing, self._failed = processing, False

    def stand_aside(self, aside: bool) -> None:
        """Whether the device cancels its own echo: two cancellers one after the other hurt each other."""
        if aside != self._aside:
            _log.info("the echo is cancelled by %s", "the speakerphone itself" if aside else "the station")
        self._aside = aside

    def changed(self) -> None:
        """A device was opened or its volume set: that there was no echo before tells nothing now."""
        self._apart.forget()
        self._drift.forget()

    def soften(self, block: Block) -> Block:
        """The clinician's block, softer while the resident speaks."""
        return self._yielding.soften(block)

    def played(self, block: Block) -> None:
        """The speaker is about to play this."""
        self._far.put(block)

    def heard(self, block: Block) -> Block:
        """What to send for this block of the microphone's, at once."""
        return self.clean(self.meet(block))

    def meet(self, block: Block) -> Met:
        """The microphone has heard this now; what the speaker plays now belongs to it."""
        far = self._far.take()
        return Met(block, far, USUAL_DELAY_MS - self._far.waiting_ms, self._far.steady)

    def clean(self, met: Met) -> Block:
        """What to send for it. Each block in its turn, at once or later."""
        near, far = met.near, met.far
        with self._lock:
            processing = self._processing
            if processing is None or self._aside:
                self._yielding.rest()  # with the echo in it, the clinician would yield to himself
                return near
            apart = self._apart.hear(far, near, met.steady)
            self._drift.hear(far, near, self._far.slipped)
            self._far.follow(self._drift.ppm)
            if apart:
                far = silence()  # there is no echo to take away, and the resident is not taken for one
            try:
                clean = processing.process(far, near, met.delay_ms)
            except CancellerFailed as error:
                self._processing = None
                self._fail(error)
                return near
        if apart:
            self._yielding.rest()  # nothing is won by it
        else:
            self._yielding.hear(clean)
        return clean

    def _fail(self, error: CancellerFailed) -> None:
        self._failed = True
        _log.error("the microphone is sent with its echo: %s", error)
