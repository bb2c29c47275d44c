"""A line and the browser behind it, on a clock of its own: what the rate controller is judged against.

The line is a bottleneck with a drop-tail queue, a delay, and random loss that a seed decides. The browser reports as
Chromium does: a receiver report a second, NACKs every 50 ms, and REMB from the queue's growth (0.85 of what came in
when it grows, at most 8 % a second more when it does not, never over one and a half times what comes in).
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from device.media.rate import shares
from device.media.rate.budget import Budget
from device.media.rate.control import RateControl

TICK = 0.01
REPAIRS = 0.1  # of the pictures' rate may go again what was lost
PACKET = 1200 * 8 + shares.HEADERS


@dataclass(frozen=True)
class Line:
    """`cap` in bits a second at a time; `loss` at a time (0 to 1); `delay` of one way and `room` of the queue in s."""

    cap: Callable[[float], float]
    loss: Callable[[float], float] = lambda _: 0.0
    delay: float = 0.02
    jitter: float = 0.0
    room: float = 0.5
    remb: bool = True
    seed: int = 7


def steady(value: float) -> Callable[[float], float]:
    """The same at all times."""
    return lambda _: value


def stepped(*parts: tuple[float, float]) -> Callable[[float], float]:
    """`(until, value)` one after the other; the last holds."""

    def at(now: float) -> float:
        return next((value for until, value in parts if now < until), parts[-1][1])

    return at


@dataclass
class Moment:
    """One look at the call."""

    now: float
    budget: Budget
    queue_s: float
    delivered: int  # bits of pictures in this tick


@dataclass
class Call:
    """A station that sends at its budget over a line; `run` plays so many seconds of it."""

    control: RateControl
    line: Line
    demand: Callable[[float], float] = lambda _: float("inf")
    now: float = 0.0
    log: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.line.seed)
        self._queue: deque[tuple[bool, int]] = deque()  # (of the pictures, bits)
        self._queued = 0
        self._credit = 0.0
        self._pacer = 0.0
        self._debt = 0.0
        self._repairs = 0.0
        self._sent = self._lost = self._missing = self._came = 0
        self._since_report = self._since_nack = self._since_remb = 0.0
        self._remb = 300_000.0
        self._queue_before = 0.0
        self._late: deque[tuple[float, Callable[[], None]]] = deque()
        self._sizes: tuple[int, int] = (0, 0)

    def run(self, seconds: float) -> None:
        """Play on."""
        for _ in range(round(seconds / TICK)):
            self._tick()

    def since(self, start: float, end: float = float("inf")) -> list[Moment]:
        """What was seen from a time on."""
        return [moment for moment in self.log if start <= moment.now < end]

    @property
    def queue_s(self) -> float:
        """How long a packet would wait at the bottleneck now."""
        return self._queued / max(1.0, self.line.cap(self.now))

    def _tick(self) -> None:
        self.now += TICK
        while self._late and self._late[0][0] <= self.now:
            self._late.popleft()[1]()
        budget = self.control.look(self.now)
        self._send(budget)
        delivered = self._carry()
        self._report()
        self.log.append(Moment(self.now, budget, self.queue_s, delivered))

    def _send(self, budget: Budget) -> None:
        if (budget.width, budget.height) != self._sizes:
            self._sizes = (budget.width, budget.height)
            self._pacer += 0.15 * min(budget.video_bps, self.demand(self.now))  # a key frame
        self._pacer += min(budget.video_bps, self.demand(self.now)) * TICK
        self._repairs = min(self._repairs + REPAIRS * budget.video_bps * TICK, budget.video_bps / 4)
        self._debt = min(budget.pace_bps * TICK + self._debt, PACKET)
        while self._pacer >= 9600 and self._debt >= 0:
            self._pacer -= 9600
            self._debt -= 9600
            self._enter(True, PACKET)
        self.control.on_queue(self._pacer / budget.pace_bps, self.now)
        if round(self.now / TICK) % 2 == 0:
            self._enter(False, budget.audio_bps // shares.SOUND_PACKETS + shares.HEADERS)

    def _enter(self, picture: bool, bits: int) -> None:
        self._sent += picture
        full = self._queued + bits > max(self.line.cap(self.now) * self.line.room, 2 * PACKET)
        if full or self._random.random() < self.line.loss(self.now):
            self._lost += picture
            self._missing += picture
            return
        self._queue.append((picture, bits))
        self._queued += bits

    def _carry(self) -> int:
        self._credit = min(self._credit + self.line.cap(self.now) * TICK, PACKET + self.line.cap(self.now) * TICK)
        delivered = 0
        while self._queue and self._queue[0][1] <= self._credit:
            picture, bits = self._queue.popleft()
            self._credit -= bits
            self._queued -= bits
            self._came += bits
            delivered += bits * picture
        return delivered

    def _back(self, act: Callable[[], None]) -> None:
        if self.line.loss(self.now) < 1:
            wait = self.line.delay + self._random.random() * self.line.jitter
            self._late.append((self.now + wait, act))

    def _report(self) -> None:
        self._since_report += TICK
        self._since_nack += TICK
        self._since_remb += TICK
        if self._since_nack >= 0.05 - TICK / 2:
            self._since_nack = 0.0
            self._nacks()
        if self.line.remb and self._since_remb >= 0.2 - TICK / 2:
            self._estimate()
            self._since_remb = 0.0
        if self._since_report >= 1 - TICK / 2 and self.line.loss(self.now) < 1:
            self._since_report = 0.0
            self._receiver_report()

    def _nacks(self) -> None:
        count, self._missing = self._missing, 0
        if count and self.line.loss(self.now) < 1:
            self._back(lambda: self.control.on_nacks(count, self.now))
            again = min(count * 9600.0, self._repairs)
            self._repairs -= again
            self._pacer += again

    def _receiver_report(self) -> None:
        loss = self._lost / self._sent if self._sent else 0.0
        self._sent = self._lost = 0
        noise = self._random.random() * self.line.jitter
        rtt = 2 * self.line.delay + self.queue_s + noise
        jitter = self.line.jitter / 4
        self._back(lambda: self.control.on_report(loss, jitter, rtt, self.now))

    def _estimate(self) -> None:
        came, self._came = self._came / self._since_remb, 0
        growing = self.queue_s - self._queue_before > 0.01
        self._queue_before = self.queue_s
        before = self._remb
        if growing:
            self._remb = min(self._remb, 0.85 * came)
        else:
            self._remb = min(self._remb * 1.016, max(self._remb, 1.5 * came + 10_000))
        if self._remb < before * 0.97 or round(self.now / 0.2) % 5 == 0:
            said = int(self._remb)
            self._back(lambda: self.control.on_remb(said, self.now))
