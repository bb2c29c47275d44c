"""How fast to send: from what the other side reports to a budget, without a clock or a socket of its own.

Three signs, in the order of how far they are believed:

* **round trip** grown over its least: a queue is filling, and it is ours; we cut until it drains;
* **loss**: under 2 % grow, to 10 % hold, above it cut by half the loss. A cut that does not lessen the loss shows that
  the line loses by itself (Wi-Fi), and that much loss is no sign any more;
* **REMB**, the other side's opinion: a fall is followed at once, for it comes before the next report; but if no round
  trip bears it out twice in a row, the next ones are doubted for a while.

After a cut we come back quickly to where we were if no queue spoke against it, carefully near where one did, and
quickly again once beyond that. What came from Google's congestion control and what did not:
docs/decisions/0014-rate-control.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.media.rate import shares
from device.media.rate.budget import Budget
from device.media.rate.ladder import Ladder
from device.media.rate.ownloss import OwnLoss
from device.media.rate.roundtrip import RoundTrip

START_VIDEO = 500_000  # sharp enough for a first look, while the first key frame still gets through a narrow line
SILENCE_S = 2.5  # without a report the line is taken to be gone

_LITTLE_LOSS, _MUCH_LOSS = 0.02, 0.10
_BACK_OFF = 0.85
_DRAIN_S, _LEAST_DRAIN, _MOST_DRAIN = 2.0, 0.1, 0.5  # a queue is to be gone after so long
_SLOW, _QUICK, _QUICKEST = 1.08, 1.3, 1.5  # growth a second
_NEAR = (0.9, 1.1)  # of the rate at which a queue was seen: there we go slowly
_STANDS_STILL, _FAR_LESS = 0.8, 0.6  # of the queue's length, and of our rate, from when it was first seen
_REMB_FALL = 0.97
_REMB_OF_WHAT_CAME = 0.85  # what REMB falls to
_REMB_AT_ONCE = 0.5  # of our rate: what one fall leaves at least
_REMB_UNSHOWN = 2  # falls in a row that no round trip has borne out; then it is doubted
_REMB_AHEAD = 1.5  # of REMB, to which we may go with good reports: REMB itself climbs by no more than 8 % a second
_REMB_SAME, _REMB_MEANT_S = (0.99, 1.01), 4.0
_DOUBT_S, _MOST_DOUBT_S = 10.0, 60.0
_NACK_WINDOW_S = 0.3
_STANDING_QUEUE_S, _MOST_RELIEF = 0.25, 0.5  # of packets in our own pacer; what is taken from the pictures at most


@dataclass(frozen=True)
class RateFigures:
    """Numbers since the control began: the line's estimated rate now (bits a second), and how often it was cut."""

    line_bps: int
    round_trip_s: float | None
    loss: float
    cuts_for_queue: int
    cuts_for_loss: int
    cuts_for_remb: int
    remb_doubted: int
    silences: int
    steps: int


class RateControl:
    """One line's rate. Times are seconds of one clock that only goes forward; rates are bits a second.

    `most` is the most that pictures may take; `width`, `height` and `fps` are the camera's.
    """

    def __init__(self, most: int, width: int, height: int, fps: int, now: float) -> None:
        self._camera = (width, height, fps)
        self._most_video = max(most, shares.MIN_VIDEO)
        self._most = float(shares.line(self._most_video, fps))
        self._least = shares.line(shares.MIN_VIDEO, fps) - shares.MOST_SOUND + shares.sound(0)
        self._line = float(shares.line(min(self._most_video, START_VIDEO), fps))
        self._ladder = Ladder(width, height, fps, shares.pictures(int(self._line), fps, 0), now)
        self._trip = RoundTrip()
        self._signs = _Signs(now)
        self._sent = _Mean(now)
        self._remb = _Remb()
        self._stands = _Stands()
        self._full: float | None = None  # the rate at which a queue was last seen
        self._goal = self._line  # where we were before a cut that no queue asked for
        self._own = OwnLoss()
        self._counts = dict.fromkeys(("queue", "loss", "remb", "silence", "steps"), 0)

    def on_camera(self, width: int, height: int, fps: int, now: float) -> None:
        """The camera gives other pictures than before."""
        if (width, height, fps) != self._camera:
            self._camera = (width, height, fps)
            self._ladder = Ladder(width, height, fps, self._pictures(), now)

    def on_remb(self, bps: int, now: float) -> None:
        """The other side can take so much (all streams together)."""
        fell = self._remb.said(bps, now)
        if bps >= self._line:
            return
        if self._remb.meant(now):
            self._goal = float(bps)
            self._set(bps, now)
            return
        if not fell:
            return
        if not self._trip.queue and not self._remb.believed(now):
            return
        came = bps / _REMB_OF_WHAT_CAME
        self._full = came
        if self._trip.queue:
            self._goal = came
        self._set(min(self._line, max(bps, self._line * _REMB_AT_ONCE)), now)
        self._counts["remb"] += 1

    def on_report(self, loss: float, jitter_s: float, rtt_s: float | None, now: float) -> None:
        """A receiver report on our pictures: share lost since the last one (0 to 1), jitter, round trip if known."""
        passed = now - self._signs.reported
        self._signs.reported = now
        self._trip.take(rtt_s, jitter_s, now)
        sent = self._sent.mean(self._line, now)
        self._sent.restart(now)
        if passed >= SILENCE_S:
            return  # what was lost while the line was away says nothing of the line that is back
        self._signs.take_loss(loss)
        if not self._trip.queue:
            self._own.take(loss, sent)
        if self._trip.queue:
            self._drain(loss, sent, now)
            return
        self._stands.gone()
        if loss - self._own.share > _MUCH_LOSS:
            self._cut_for_loss(loss, sent, now)
        else:
            self._grow(loss, min(1.0, passed), now)

    def on_nacks(self, count: int, now: float) -> None:
        """So many packets have been asked for again: loss, known sooner than by a report."""
        lost = self._signs.nacked(count, self._line, now)
        if lost is not None and lost - self._own.share > 2 * _MUCH_LOSS:
            self._cut_for_loss(lost, self._sent.mean(self._line, now), now)

    def on_queue(self, seconds: float, now: float) -> None:  # noqa: ARG002
        """The packets that wait in our own pacer take so long to leave."""
        self._signs.queue = seconds

    def look(self, now: float) -> Budget:
        """What may be sent now."""
        if now - self._signs.reported >= SILENCE_S and self._signs.any_report and not self._signs.silent:
            self._signs.silent = True
            self._counts["silence"] += 1
        elif now - self._signs.reported < SILENCE_S:
            self._signs.silent = False
        video = self._pictures()
        before = self._ladder.step
        step = self._ladder.look(video, now)
        self._counts["steps"] += step != before
        return Budget(self._relieved(video), self._sound(), step.width, step.height, step.fps, self._signs.loss)

    def figures(self) -> RateFigures:
        """Numbers since the control began."""
        count = self._counts
        return RateFigures(
            int(self._line),
            self._trip.last,
            self._signs.loss,
            count["queue"],
            count["loss"],
            count["remb"],
            self._remb.doubts,
            count["silence"],
            count["steps"],
        )

    def _pictures(self) -> int:
        video = shares.pictures(int(self._line), self._camera[2], self._signs.loss)
        return min(self._most_video, max(shares.MIN_VIDEO, video))

    def _sound(self) -> int:
        """What the line has room for; on one that loses by itself, at least what can be repaired."""
        least = shares.REPAIRED_SOUND if self._own.share > _LITTLE_LOSS else 0
        return max(least, shares.sound(int(self._line)))

    def _relieved(self, video: int) -> int:
        """Less while packets stand in our own pacer: the encoder has run ahead of the line."""
        return max(
            shares.MIN_VIDEO, int(video * (1 - min(_MOST_RELIEF, max(0.0, self._signs.queue - _STANDING_QUEUE_S))))
        )

    def _set(self, line: float, now: float) -> None:
        self._sent.add(self._line, now)
        self._line = min(self._most, max(float(self._least), line))

    def _drain(self, loss: float, sent: float, now: float) -> None:
        """A queue stands: what came through is the line's rate, and we go below it for as long as the queue lasts."""
        self._remb.shown()
        through = sent * (1 - max(0.0, loss - self._own.share)) / (1 + self._trip.slope)
        if self._full is None or through > self._full or not self._trip.draining:
            self._full = self._goal = through
        if self._stands.though_cut(self._trip.grown, sent):
            self._trip.take_for_granted()
            return
        room = through * (1 - min(_MOST_DRAIN, max(_LEAST_DRAIN, self._trip.grown / _DRAIN_S)))
        if not self._trip.draining:
            room = min(room, sent * _BACK_OFF)
        if room < self._line:
            self._counts["queue"] += 1
            self._set(room, now)

    def _cut_for_loss(self, loss: float, sent: float, now: float) -> None:
        room = sent * (1 - 0.5 * (loss - self._own.share))
        if room < self._line:
            self._goal = max(self._goal, self._line)
            self._set(room, now)
            self._counts["loss"] += 1

    def _grow(self, loss: float, since: float, now: float) -> None:
        room = self._goal if loss - self._own.share > _LITTLE_LOSS else float("inf")
        room = min(room, self._remb.ceiling(self._line, now))
        if self._trip.doubtful or room <= self._line:
            return
        self._set(min(room, self._line * self._pace() ** since), now)

    def _pace(self) -> float:
        if self._full is None:
            return _QUICKEST if self._line < self._goal or not self._counts["queue"] else _QUICK
        if self._line > self._full * _NEAR[1]:
            self._full, self._goal = None, self._most  # the line is wider than it was: how wide, is found out quickly
            return _QUICK
        return _SLOW if self._line >= self._full * _NEAR[0] else _QUICK


class _Signs:
    """What was last heard, and when."""

    def __init__(self, now: float) -> None:
        self.reported = now
        self.any_report = False
        self.silent = False
        self.loss = 0.0
        self.queue = 0.0
        self._nacks = 0
        self._nacks_since = now

    def take_loss(self, loss: float) -> None:
        """Smoothed, quicker up than down: error correction is wanted as soon as there is loss."""
        self.any_report = True
        weight = 0.5 if loss > self.loss else 0.3
        self.loss += weight * (loss - self.loss)

    def nacked(self, count: int, line: float, now: float) -> float | None:
        """The share of packets asked for again, once in a window; None within it."""
        self._nacks += count
        passed = now - self._nacks_since
        if passed < _NACK_WINDOW_S:
            return None
        lost = self._nacks / max(1.0, line / 10_000 * passed)
        self._nacks, self._nacks_since = 0, now
        return min(1.0, lost) if passed < 2 * _NACK_WINDOW_S else None


class _Mean:
    """The mean of our rate since the last report: what the report's loss and round trip speak of."""

    def __init__(self, now: float) -> None:
        self.restart(now)

    def restart(self, now: float) -> None:
        """From now on."""
        self._began = self._at = now
        self._bits = 0.0

    def add(self, line: float, now: float) -> None:
        """The rate was `line` until now."""
        self._bits += line * (now - self._at)
        self._at = now

    def mean(self, line: float, now: float) -> float:
        """So far, with `line` until now."""
        self.add(line, now)
        return self._bits / (now - self._began) if now > self._began else line


class _Stands:
    """A queue that stands as it stood though we send far less is not ours: the other side fills its own way to us."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None  # how long it was, and what was sent

    def though_cut(self, grown: float, sent: float) -> bool:
        """A report with a queue of `grown` seconds, while `sent` bits a second were sent."""
        if self._first is None or grown < self._first[0] * _STANDS_STILL:
            self._first = grown, sent
            return False
        if sent > self._first[1] * _FAR_LESS:
            return False
        self._first = None
        return True

    def gone(self) -> None:
        """A report without one."""
        self._first = None


class _Remb:
    """The other side's opinion, and how far it has proved right."""

    def __init__(self) -> None:
        self._said: int | None = None
        self._since = 0.0
        self._above = 0  # good reports in a row while we were above it
        self._doubt_s = _DOUBT_S
        self._doubted_until = float("-inf")
        self._unshown = 0
        self.doubts = 0

    def said(self, bps: int, now: float) -> bool:
        """Take it; whether it fell."""
        before, self._said = self._said, bps
        if before is None or not before * _REMB_SAME[0] < bps < before * _REMB_SAME[1]:
            self._since = now
        fell = before is not None and bps < before * _REMB_FALL
        if fell:
            self._above = 0
        return fell

    def believed(self, now: float) -> bool:
        """Whether to follow a fall before anything else shows it; too many that nothing shows, and it is doubted."""
        if now < self._doubted_until:
            return False
        self._unshown += 1
        if self._unshown > _REMB_UNSHOWN:
            self._unshown = 0
            self._doubted_until = now + self._doubt_s
            self._doubt_s = min(_MOST_DOUBT_S, self._doubt_s * 2)
            self.doubts += 1
            return False
        return True

    def shown(self) -> None:
        """A queue has been seen: it was right."""
        self._unshown = 0

    def meant(self, now: float) -> bool:
        """Whether it is a limit and no estimate: an estimate climbs when the line is good, and falls when it is not."""
        return self._said is not None and now - self._since >= _REMB_MEANT_S

    def ceiling(self, line: float, now: float) -> float:
        """How far to go after a good report: some way above it, and beyond once two reports there were good."""
        if self._said is None:
            return float("inf")
        if self.meant(now):
            return float(self._said)
        if line > self._said:
            self._above += 1
        return float("inf") if self._above > 1 else max(line, self._said * _REMB_AHEAD)
