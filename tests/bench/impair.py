"""A bad line as data: what one direction of it does to each datagram, and when. No I/O; time is given.

A datagram that comes to a `Pipe` meets, in this order, what it would meet at home:

1. the router's queue, bounded in bytes: `queue_ms` of the cap, at least `LEAST_QUEUE`. One that finds it full is
   dropped (drop-tail), as cheap routers do. 300 ms is what a DSL or 4G box of a care home commonly holds. Without a
   cap there is no queue;
2. the line, which sends one datagram after the other at `cap_kbps`, IP and UDP headers (`HEADERS`) counted. A cap that
   changes holds at once, for what is half sent as well;
3. loss: each datagram is lost with probability `loss`, after it has taken its time on the line. 1.0 is a line that is
   cut. A stream of numbers of its own, seeded, is drawn from once a datagram that comes, whatever the settings: the
   same seed loses the same datagrams by their number, however the clock ran;
4. the way: `delay_ms`, give or take up to `jitter_ms` (uniform, a draw of the same kind). Datagrams do not overtake
   each other unless `reorder` is set: what varies on such lines is queues, and queues keep order.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

HEADERS = 28  # bytes of IPv4 and UDP, which take their time on the line too
LEAST_QUEUE = 7_500  # bytes: five full datagrams; no router holds less


@dataclass(frozen=True)
class Impairment:
    """What is wrong with a line. `schedule`: what it becomes later, (seconds after it was set, the rest unchanged)."""

    cap_kbps: float | None = None
    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    queue_ms: float = 300.0
    reorder: bool = False
    schedule: tuple[tuple[float, Impairment], ...] = ()

    def __post_init__(self) -> None:
        """ValueError for a line that cannot be."""
        if self.cap_kbps is not None and not self.cap_kbps > 0:
            raise ValueError(f"a cap of {self.cap_kbps} kbit/s lets nothing through: cut the line with loss=1.0")
        if not 0 <= self.loss <= 1:
            raise ValueError(f"loss is a share, not {self.loss}")
        if not self.delay_ms >= 0 or not 0 <= self.jitter_ms <= max(self.delay_ms, 0) or not self.queue_ms >= 0:
            raise ValueError("times are not negative, and jitter is not greater than the delay")
        times = [at for at, _ in self.schedule]
        if times != sorted(times) or any(at < 0 for at in times):
            raise ValueError("a schedule goes forward")
        if any(then.schedule for _, then in self.schedule):
            raise ValueError("a schedule has no schedules in it")

    @property
    def queue_bytes(self) -> float:
        """What the router holds."""
        return math.inf if self.cap_kbps is None else max(LEAST_QUEUE, self.cap_kbps * self.queue_ms / 8)

    def to_data(self) -> dict[str, Any]:
        """As JSON; `from_data` reads it."""
        data = asdict(self)
        data["schedule"] = [[at, then.to_data()] for at, then in self.schedule]
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Impairment:
        """What `to_data` gave; TypeError or ValueError for anything else."""
        steps = tuple((float(at), cls.from_data(then)) for at, then in data.get("schedule", ()))
        return cls(**{**data, "schedule": steps})


CLEAR = Impairment()


@dataclass
class Counts:
    """Datagrams and bytes (of UDP payload) of one direction since it began."""

    came: int = 0
    came_bytes: int = 0
    passed: int = 0
    passed_bytes: int = 0
    overflowed: int = 0  # dropped by the full queue
    lost: int = 0  # lost on the line


@dataclass(frozen=True)
class _Waiting:
    datagram: bytes
    tag: Any
    lost: float  # the draw, 0 to 1
    wander: float  # the draw, -1 to 1

    @property
    def wire_bytes(self) -> int:
        return len(self.datagram) + HEADERS


class Pipe:
    """One direction. `put` what comes, `take` what has arrived; `due` is when to look again. Times in seconds."""

    def __init__(self, seed: object, impairment: Impairment = CLEAR) -> None:
        self._loss_draws = random.Random(f"{seed} loss")
        self._jitter_draws = random.Random(f"{seed} jitter")
        self._impairment = impairment
        self._steps: deque[tuple[float, Impairment]] = deque()
        self._begun = False
        self._clock = 0.0  # up to which the line has been worked out
        self._queue: deque[_Waiting] = deque()
        self._queued = 0  # bytes
        self._left = 0.0  # bits of the first in the queue that are not sent yet
        self._on_the_way: list[tuple[float, int, _Waiting]] = []
        self._number = 0
        self._last_arrival = 0.0
        self.counts = Counts()

    @property
    def impairment(self) -> Impairment:
        """What holds now (as of the last `put`, `take` or `set`)."""
        return self._impairment

    @property
    def queued(self) -> int:
        """Bytes that wait for the line, headers counted."""
        return self._queued

    def set(self, impairment: Impairment, now: float) -> None:
        """From now on; its schedule runs from now. What has left the queue keeps its way."""
        self._advance(now)
        self._steps = deque((now + at, then) for at, then in impairment.schedule)
        self._impairment = impairment
        self._advance(now)

    def put(self, datagram: bytes, tag: Any, now: float) -> None:
        """Take a datagram at the near end; `tag` comes out with it."""
        self._advance(now)
        self.counts.came += 1
        self.counts.came_bytes += len(datagram)
        one = _Waiting(datagram, tag, self._loss_draws.random(), self._jitter_draws.uniform(-1, 1))
        if self._queued + one.wire_bytes > self._impairment.queue_bytes:
            self.counts.overflowed += 1
            return
        if not self._queue:
            self._left = one.wire_bytes * 8
        self._queue.append(one)
        self._queued += one.wire_bytes
        self._advance(now)

    def take(self, now: float) -> list[tuple[bytes, Any]]:
        """All that has arrived at the far end by now, in order of arrival."""
        self._advance(now)
        arrived = []
        while self._on_the_way and self._on_the_way[0][0] <= now:
            one = heapq.heappop(self._on_the_way)[2]
            self.counts.passed += 1
            self.counts.passed_bytes += len(one.datagram)
            arrived.append((one.datagram, one.tag))
        return arrived

    def due(self) -> float | None:
        """When the next datagram leaves the line or arrives, if nothing more happens; None: nothing is under way."""
        times = [self._on_the_way[0][0]] if self._on_the_way else []
        if self._queue:
            cap = self._impairment.cap_kbps
            sent = self._clock + (self._left / (cap * 1000) if cap else 0.0)
            times.append(min(sent, self._steps[0][0]) if self._steps else sent)
        return min(times) if times else None

    def _advance(self, now: float) -> None:
        """Work the line out up to now, through every step of the schedule."""
        if not self._begun:
            self._begun, self._clock = True, now
            self._steps = self._steps or deque((now + at, then) for at, then in self._impairment.schedule)
        while self._steps and self._steps[0][0] <= now:
            at, then = self._steps.popleft()
            self._send_until(max(at, self._clock))
            self._impairment = then
        self._send_until(max(now, self._clock))

    def _send_until(self, now: float) -> None:
        cap = self._impairment.cap_kbps
        while self._queue:
            bits = math.inf if cap is None else (now - self._clock) * cap * 1000
            if bits < self._left - 1e-6:
                self._left -= bits
                break
            if cap is not None:
                self._clock = min(now, self._clock + self._left / (cap * 1000))
            self._depart(self._queue.popleft(), self._clock if cap is not None else now)
            self._left = self._queue[0].wire_bytes * 8 if self._queue else 0.0
        self._clock = now

    def _depart(self, one: _Waiting, at: float) -> None:
        self._queued -= one.wire_bytes
        now = self._impairment
        if one.lost < now.loss:
            self.counts.lost += 1
            return
        arrival = at + (now.delay_ms + one.wander * now.jitter_ms) / 1000
        if not now.reorder:
            arrival = self._last_arrival = max(arrival, self._last_arrival)
        self._number += 1
        heapq.heappush(self._on_the_way, (arrival, self._number, one))


def earliest(times: Iterable[float | None]) -> float | None:
    """The first of several moments; None if there is none."""
    return min((at for at in times if at is not None), default=None)
