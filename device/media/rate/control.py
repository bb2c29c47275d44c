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

from device.media.rate import shares
from device.media.rate.budget import Budget, RateFigures
from device.media.rate.ladder import Ladder
from device.media.rate.ownloss import OwnLoss
from device.media.rate.remb import Remb
from device.media.rate.roundtrip import RoundTrip, Standing
from device.media.rate.signs import Mean, Signs

START_VIDEO = 300_000  # sharp enough for a first look, while the first key frame still gets through a narrow line
SILENCE_S = 2.5  # without a report the line is taken to be gone

_LITTLE_LOSS, _MUCH_LOSS = 0.02, 0.10
_BACK_OFF = 0.85
_DRAIN_S, _LEAST_DRAIN, _MOST_DRAIN = 2.0, 0.1, 0.5  # a queue is to be gone after so long
_SLOW, _QUICK, _QUICKEST, _AT_FIRST = 1.08, 1.3, 1.5, 2.0  # growth a second
_NEAR = (0.9, 1.1)  # of the rate at which a queue was seen: there we go slowly
_REMB_OF_WHAT_CAME = 0.85  # what REMB falls to
_REMB_AT_ONCE = 0.5  # of our rate: what one fall leaves at least
_OVER_USED, _OVER_USED_BPS = 1.5, 50_000  # of what has really left: how far we go without having tried it
_LEAST_USED = 0.5  # of our rate: who uses less has not tried the line at all
_DEAF_S = 0.2  # and a round trip, after a cut
_STANDING_QUEUE_S, _MOST_RELIEF = 0.25, 0.5  # of packets in our own pacer; what is taken from the pictures at most


class RateControl:
    """One line's rate. Times are seconds of one clock that only goes forward; rates are bits a second.

    `most` is the most that pictures may take; `width`, `height` and `fps` are the camera's; what another camera gives
    in its place is made to fit.
    """

    def __init__(self, most: int, width: int, height: int, fps: int, now: float) -> None:
        self._fps = fps
        self._most_video = max(most, shares.MIN_VIDEO)
        self._most = float(shares.line(self._most_video, fps))
        self._floor = shares.line(shares.MIN_VIDEO, fps) - shares.MOST_SOUND + shares.sound(0)
        self._least = self._floor - shares.MIN_VIDEO + shares.LEAST_VIDEO
        self._line = float(shares.line(min(self._most_video, START_VIDEO), fps))
        self._ladder = Ladder(width, height, fps, shares.pictures(int(self._line), fps, 0), now)
        self._trip = RoundTrip()
        self._signs = Signs(now)
        self._sent = Mean(now)
        self._remb = Remb()
        self._stands = Standing()
        self._full: float | None = None  # the rate at which a queue was last seen
        self._goal = self._line  # where we were before a cut that no queue asked for
        self._own = OwnLoss()
        self._used: float | None = None  # bits a second that really left between the last two reports
        self._deaf_until = now  # what was lost before a cut says nothing of the rate after it
        self._counts = dict.fromkeys(("queue", "loss", "remb", "silence", "steps"), 0)

    def on_remb(self, bps: int, now: float) -> None:
        """The other side can take so much (all streams together)."""
        if not self._remb.said(bps) or bps >= self._line:
            return
        if not self._trip.queue and not self._remb.believed(now):
            return
        came = max(bps / _REMB_OF_WHAT_CAME, float(self._floor))
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
        allowed = sent = self._sent.mean(self._line, now)
        if (used := self._sent.used(now)) is not None:
            self._used, sent = used, max(used, allowed * _LEAST_USED)
        self._sent.restart(now)
        if passed >= SILENCE_S:
            return  # what was lost while the line was away says nothing of the line that is back
        self._signs.take_loss(loss)
        self._keep_to_remb(now)
        if not self._trip.queue:
            self._own.take(loss, allowed)
        if self._trip.queue:
            self._drain(loss, sent, now)
            return
        self._stands.gone()
        if loss - self._own.share > _MUCH_LOSS:
            self._cut_for_loss(loss, allowed, now)
        else:
            self._grow(loss, min(1.0, passed), now)

    def on_queue_back(self, seconds: float) -> None:
        """So long a queue stands on the way from the other side to us: no round trip's fault of ours."""
        self._trip.back = seconds

    def on_sent(self, bits: int) -> None:
        """So many bits have left since this was last said, headers and all."""
        self._sent.left(bits)

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
        step = self._ladder.look(max(video, shares.MIN_VIDEO), now)  # while a queue drains, nothing is changed for it
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
        video = shares.pictures(int(self._line), self._fps, self._signs.loss)
        return min(self._most_video, max(self._least_video, video))

    @property
    def _least_video(self) -> int:
        return shares.LEAST_VIDEO if self._trip.queue else shares.MIN_VIDEO

    def _sound(self) -> int:
        """What the line has room for; on one that loses by itself, at least what can be repaired."""
        least = shares.REPAIRED_SOUND if self._own.share > _LITTLE_LOSS else 0
        return max(least, shares.sound(int(self._line)))

    def _relieved(self, video: int) -> int:
        """Less while packets stand in our own pacer: the encoder has run ahead of the line."""
        return max(
            self._least_video, int(video * (1 - min(_MOST_RELIEF, max(0.0, self._signs.queue - _STANDING_QUEUE_S))))
        )

    def _set(self, line: float, now: float) -> None:
        self._sent.add(self._line, now)
        if line < self._line:
            self._deaf_until = now + _DEAF_S + (self._trip.last or 0.0)
        self._line = min(self._most, max(float(self._least if self._trip.queue else self._floor), line))

    def _drain(self, loss: float, sent: float, now: float) -> None:
        """A queue stands: what came through is the line's rate, and we go below it for as long as the queue lasts."""
        self._remb.shown()
        through = sent * (1 - max(0.0, loss - self._own.share)) / (1 + self._trip.slope)
        if self._full is None or through > self._full or not self._trip.draining:
            self._full = self._goal = max(through, float(self._floor))
        if self._stands.though_cut(self._trip.grown, sent):
            self._trip.take_for_granted()
            return
        room = through * (1 - min(_MOST_DRAIN, max(_LEAST_DRAIN, self._trip.grown / _DRAIN_S)))
        if not self._trip.draining:
            room = min(room, sent * _BACK_OFF)
        if room < self._line:
            self._counts["queue"] += 1
            self._set(room, now)

    def _shown(self) -> float:
        """How far what has really left shows that we may go; a calm picture leaves most of a budget alone."""
        return float("inf") if self._used is None else _OVER_USED * self._used + _OVER_USED_BPS

    def _keep_to_remb(self, now: float) -> None:
        limit = self._remb.limit(self._used or 0.0, now)
        if limit is not None and limit < self._line and self._line > self._floor:
            self._set(limit, now)
            self._counts["remb"] += 1

    def _cut_for_loss(self, loss: float, sent: float, now: float) -> None:
        room = sent * (1 - 0.5 * (loss - self._own.share))
        if room < self._line and now >= self._deaf_until:
            self._goal = max(self._goal, self._line)
            self._set(room, now)
            self._counts["loss"] += 1

    def _grow(self, loss: float, since: float, now: float) -> None:
        if self._line < self._floor:
            self._set(self._floor, now)
        room = self._goal if loss - self._own.share > _LITTLE_LOSS else float("inf")
        room = min(room, self._remb.ceiling(self._line), self._shown())
        if self._trip.doubtful or room <= self._line:
            return
        self._set(min(room, self._line * self._pace() ** since), now)

    def _pace(self) -> float:
        if self._full is None:
            if not any(self._counts[why] for why in ("queue", "loss", "remb")):
                return _AT_FIRST
            return _QUICKEST if self._line < self._goal or not self._counts["queue"] else _QUICK
        if self._line > self._full * _NEAR[1]:
            self._full, self._goal = None, self._most  # the line is wider than it was: how wide, is found out quickly
            return _QUICK
        return _SLOW if self._line >= self._full * _NEAR[0] else _QUICK
