"""Keeps the figures of the call that is going on: looks once a second, tells how good it is, and what it was like.

The thin shell around `samples`, `grading` and `statistics`. A second costs the reading of some forty numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from device.call.grading import Grader, Verdict
from device.call.samples import LEAST_S, Cameras, Sample, Second, difference, without_line
from device.call.state import Session
from device.call.statistics import CallStatistics
from messaging.clock import Clock
from messaging.quality import CallQuality, Heading

_log = logging.getLogger(__name__)
TELL_AGAIN_S = 15.0  # a page that was reloaded, or did not hear it, knows after so long
MOST_KEPT = 4  # calls that the agent has not taken yet
_HALF_S = 0.5  # what is shorter is left to the next second


class Line(Protocol):
    """What carries the call: `LateEngine`."""

    def sample(self) -> Sample | None:
        """The counters now; None while nothing carries the call."""

    def tell_quality(self, heading: Heading, verdict: Verdict) -> None:
        """Say it to the clinician's page."""


class CallMeter:
    """Follows one station's calls. `finished` holds what ended calls were like until `kept` says that it is safe."""

    def __init__(self, line: Line, encoder: Callable[[], str], clock: Clock) -> None:
        self.finished: tuple[CallQuality, ...] = ()
        self._line = line
        self._encoder = encoder
        self._clock = clock
        self._call = ""
        self._agreed: float | None = None
        self._running: _Running | None = None

    def follow(self, session: Session) -> None:
        """How the call stands, after everything that happens and before it is carried out: peers that end are there."""
        call, now = session.running_call or "", self._clock.monotonic()
        if call != self._call:
            self._finish()
            self._call, self._agreed = call, None
        if session.state == "connecting" and not session.resuming and self._agreed is None:
            self._agreed = now
        if self._running is None and session.state == "in_call":
            connect_s = None if self._agreed is None else now - self._agreed
            self._running = _Running(CallStatistics(connect_s), self._line.sample(), now)
        if self._running is not None:
            self._running.stands(session, now)

    def look(self) -> None:
        """A second has passed."""
        running, now = self._running, self._clock.monotonic()
        if running is None or not self._take(running, now) or running.resuming:
            return
        for heading, verdict in running.news(now):
            self._line.tell_quality(heading, verdict)

    def kept(self, call: str) -> None:
        """The agent has this call's figures on its disk."""
        self.finished = tuple(each for each in self.finished if each.call != call)

    def _take(self, running: _Running, now: float) -> bool:
        if now - running.at < _HALF_S:
            return False
        running.take(self._line.sample(), now)
        return True

    def _finish(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        self._take(running, self._clock.monotonic())
        quality = running.statistics.result(self._call, self._clock.wall(), self._encoder())
        _log.info(
            "the call was %s: %.0f s, %d times resumed, %.0f s without a line", quality.grade, quality.seconds,
            quality.resumes, quality.lost_s,
        )  # fmt: skip
        if len(self.finished) >= MOST_KEPT:
            _log.warning("the agent takes no figures: those of the oldest call are lost")
        self.finished = (*self.finished, quality)[-MOST_KEPT:]


class _Running:
    """A call in which the two have met."""

    def __init__(self, statistics: CallStatistics, sample: Sample | None, now: float) -> None:
        self.statistics = statistics
        self.at = now
        self.resuming = False
        self._before = sample
        self._cameras = Cameras()
        self._graders: dict[Heading, Grader] = {"out": Grader("out"), "in": Grader("in")}
        self._told: dict[Heading, tuple[float, Verdict]] = {}

    def stands(self, session: Session, now: float) -> None:
        """The line may be lost or found, the cameras on or off."""
        if session.resuming and not self.resuming:
            self.resuming, self.at = True, now
        elif self.resuming and session.state == "in_call":
            if now - self.at >= LEAST_S:
                self._add(without_line(now - self.at))
            self.resuming, self.at = False, now
            self._told.clear()
            self.statistics.resumed()
        if session.call is not None:
            self._cameras = Cameras(session.devices.camera == "ok", session.call.peer_camera)

    def take(self, sample: Sample | None, now: float) -> None:
        """What has become of it since."""
        seconds, self.at = now - self.at, now
        before, self._before = self._before, sample or self._before
        if self.resuming:
            self._add(without_line(seconds))
        elif before is not None and sample is not None:
            self._add(difference(before, sample, seconds, self._cameras))
            self.statistics.went(sample.path, sample.codec)

    def news(self, now: float) -> list[tuple[Heading, Verdict]]:
        """What the page does not know yet, or has not been told for a while."""
        found = []
        for heading, grader in self._graders.items():
            at, told = self._told.get(heading, (0.0, None))
            if told != grader.verdict or now - at >= TELL_AGAIN_S:
                self._told[heading] = now, grader.verdict
                found.append((heading, grader.verdict))
        return found

    def _add(self, second: Second) -> None:
        verdicts = {heading: grader.look(second) for heading, grader in self._graders.items()}
        self.statistics.add(second, verdicts["out"].grade, verdicts["in"].grade)
