"""What the station tells a browser that it may send, against a line packet by packet."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.media.receiving.bandwidth import FLOOR_BPS, START_BPS, BandwidthEstimator
from tests.kits.examples import examples
from tests.kits.media.link_model import steady, stepped

NOTHING, SHORT = steady(0.0), steady(0.02)
CEILING = 2_000_000
PACKET = 1_200  # bytes


def abs_send_time(now: float) -> int:
    return int(now * (1 << 18)) & 0xFFFFFF


@dataclass
class Browser:
    """Sends 30 pictures a second as the last REMB that reached it allows, over a bottleneck with a drop-tail queue.

    `late(now)`: how much later than it arrived a packet is seen; `wants`: the most it has to send, bits a second.
    """

    cap: Callable[[float], float]
    loss: Callable[[float], float] = NOTHING
    delay: Callable[[float], float] = SHORT
    jitter: float = 0.0
    room: float = 0.5
    late: Callable[[float], float] = NOTHING
    wants: float = float("inf")
    seed: int = 3
    estimator: BandwidthEstimator = field(default_factory=lambda: BandwidthEstimator(CEILING))
    now: float = 0.0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._free_at = 0.0
        self._expected = self._lost = 0
        self._arrivals: list[tuple[float, float, int]] = []  # seen, sent, bytes
        self._told: list[tuple[float, float]] = [(0.0, START_BPS)]
        self.rates: list[tuple[float, float]] = []
        self.told = 0
        self.queues: list[tuple[float, float]] = []

    def run(self, seconds: float) -> Browser:
        for _ in range(round(seconds * 30)):
            self._send_picture()
            for _ in range(4):
                self.now += 1 / 120
                self._receive()
        return self

    def rate(self, first: float, last: float) -> float:
        """What it was allowed, on average, from `first` to `last` (seconds)."""
        rates = [rate for at, rate in self.rates if first <= at < last]
        return sum(rates) / len(rates)

    def queue(self, first: float, last: float) -> float:
        """The queue at the bottleneck, seconds, on average."""
        queues = [queue for at, queue in self.queues if first <= at < last]
        return sum(queues) / len(queues)

    def _send_picture(self) -> None:
        allowed = next(rate for at, rate in reversed(self._told) if at <= self.now)
        size = min(allowed, self.wants) / 30 / 8
        count = max(1, math.ceil(size / PACKET))
        gap = size / count * 8 / (2.5 * max(allowed, 300_000))  # Chromium's pacer
        for i in range(count):
            self._send(self.now + min(i * gap, 1 / 30), round(size / count))

    def _send(self, sent: float, size: int) -> None:
        self._expected += 1
        queue = max(0.0, self._free_at - sent)
        self.queues.append((sent, queue))
        if queue > self.room or self._random.random() < self.loss(sent):
            self._lost += 1
            return
        self._free_at = sent + queue + size * 8 / self.cap(sent)
        arrived = self._free_at + self.delay(sent) + self._random.random() * self.jitter
        self._arrivals.append((arrived + self.late(arrived), sent, size))

    def _receive(self) -> None:
        self._arrivals.sort()
        while self._arrivals and self._arrivals[0][0] <= self.now:
            arrived, sent, size = self._arrivals.pop(0)
            self.estimator.packet(abs_send_time(sent), arrived, size)
            self._look(arrived)
        self._look(self.now)
        self.rates.append((self.now, self.estimator.rate))

    def _look(self, now: float) -> None:
        rate = self.estimator.look(now, self._expected, self._lost, 0.1)
        if rate is not None:
            self.told += 1
            self._told.append((now + self.delay(now), rate))


def test_a_browser_is_up_in_a_second_and_left_alone_on_a_good_line() -> None:
    browser = Browser(steady(10e6)).run(20)
    assert min(rate for at, rate in browser.rates if at > 1.3) == CEILING
    assert 18 <= browser.told <= 32, "once a second, and more often while it climbs"


@pytest.mark.parametrize("kbit", [150, 300])
def test_a_narrow_line_is_not_flooded_before_it_is_known(kbit: int) -> None:
    """The queue of a care home's router is full after a third of a second: what it drops then is the first picture."""
    browser = Browser(steady(kbit * 1000), room=0.3).run(10)
    assert browser.queue(3, 10) < 0.12
    assert browser._lost < 25


@pytest.mark.parametrize("cap", [150e3, 300e3, 500e3, 1000e3])
def test_a_thin_line_is_filled_and_not_flooded(cap: float) -> None:
    browser = Browser(steady(cap)).run(40)
    assert min(rate for at, rate in browser.rates if at < 2) < cap, "it comes down within two seconds"
    assert 0.75 * cap <= browser.rate(10, 40) <= 1.05 * cap
    assert browser.queue(10, 40) < 0.12


def test_a_line_with_a_short_queue_that_drops_is_filled_and_not_flooded() -> None:
    browser = Browser(steady(500e3), room=0.06).run(40)
    assert 0.6 * 500e3 <= browser.rate(10, 40) <= 1.2 * 500e3


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.1, 0.15, 0.2])
def test_random_loss_starves_nobody(loss: float) -> None:
    browser = Browser(steady(10e6), steady(loss)).run(60)
    assert browser.rate(20, 60) > 0.7 * CEILING


def test_random_loss_does_not_hold_back_a_browser_that_has_little_to_send() -> None:
    browser = Browser(steady(10e6), steady(0.1), wants=150e3).run(60)
    assert browser.rate(20, 60) > 3 * 150e3


def test_a_line_that_jitters_is_no_full_one() -> None:
    browser = Browser(steady(10e6), delay=steady(0.15), jitter=0.03).run(60)
    assert browser.rate(0, 60) > 0.95 * CEILING


def test_a_line_that_narrows_and_widens_is_followed() -> None:
    browser = Browser(stepped((20, 2.5e6), (40, 300e3), (80, 2.5e6))).run(80)
    assert browser.rate(10, 20) > 0.95 * CEILING
    assert browser.rate(22, 25) < 330e3, "two seconds after it narrowed"
    assert 0.7 * 300e3 < browser.rate(25, 40) < 1.1 * 300e3
    assert browser.rate(50, 55) > 0.8 * CEILING, "ten seconds after it widened"


def test_a_station_that_is_out_of_breath_is_no_full_line() -> None:
    """For 300 ms of each second packets are seen only at its end, all at once."""
    browser = Browser(steady(10e6), late=lambda at: max(0.0, 0.3 - at % 1.0)).run(60)
    assert browser.rate(0, 60) > 0.95 * CEILING


def test_bursts_that_drain_are_no_full_line() -> None:
    """A line that stands for 150 ms every two seconds, as Wi-Fi does."""
    browser = Browser(steady(10e6), delay=lambda at: 0.02 + max(0.0, 0.15 - at % 2.0)).run(60)
    assert browser.rate(0, 60) > 0.95 * CEILING


def test_a_longer_way_is_no_full_line_for_long() -> None:
    browser = Browser(steady(10e6), delay=stepped((10, 0.02), (60, 0.2))).run(60)
    assert browser.rate(30, 60) > 0.9 * CEILING


def test_clocks_that_differ_are_no_full_line() -> None:
    """The browser's crystal is 200 ppm slow, for ten minutes."""
    browser = Browser(steady(10e6), wants=600e3, delay=lambda at: 0.02 + at * 200e-6).run(600)
    assert browser.rate(0, 600) > 0.95 * CEILING


def test_a_calm_picture_after_a_narrow_time_does_not_hold_it_back_for_ever() -> None:
    browser = Browser(stepped((20, 300e3), (120, 10e6)), wants=200e3).run(40)
    browser.wants = float("inf")
    browser.run(25)
    assert browser.rate(55, 65) > 0.9 * CEILING


def test_the_wrapping_of_the_senders_time_and_a_long_silence_are_no_full_line() -> None:
    estimator = BandwidthEstimator(CEILING)
    now = 0.0
    for i in range(6_000):
        now += 0.03 if i % 1_500 else 40.0
        estimator.packet(abs_send_time(now - 0.02), now, PACKET)
        estimator.look(now, i, 0, 0.1)
    assert estimator.rate == CEILING
    assert estimator.cuts == 0


def test_a_cut_is_told_at_once_and_otherwise_once_a_second() -> None:
    browser = Browser(stepped((5, 10e6), (10, 300e3))).run(10)
    cut = next(at for at, rate in browser.rates if rate < CEILING)
    first_told = next(at for at, rate in browser._told if rate < CEILING)
    assert first_told - cut < 0.05
    assert browser.told < 25


@pytest.mark.long
@settings(max_examples=examples(60), deadline=None)
@given(
    cap=st.floats(120e3, 8e6),
    loss=st.floats(0, 0.3),
    jitter=st.floats(0, 0.06),
    room=st.floats(0.03, 2.0),
    delay=st.floats(0.001, 0.3),
    seed=st.integers(0, 100),
)
def test_on_any_line_it_stays_between_floor_and_ceiling_and_never_starves(
    cap: float, loss: float, jitter: float, room: float, delay: float, seed: int
) -> None:
    browser = Browser(steady(cap), steady(loss), steady(delay), jitter, room, seed=seed).run(30)
    assert all(FLOOR_BPS <= rate <= CEILING for _, rate in browser.rates)
    through = min(cap, CEILING)
    assert browser.rate(15, 30) > 0.3 * through * (1 - loss)


@given(st.lists(st.tuples(st.integers(0, 0xFFFFFF), st.floats(-5, 100), st.integers(0, 1500)), max_size=200))
def test_no_times_break_it(packets: list[tuple[int, float, int]]) -> None:
    estimator = BandwidthEstimator(CEILING)
    now = 100.0
    for count, (sent, step, size) in enumerate(packets):
        now += max(step, -now)
        estimator.packet(sent, now, size)
        rate = estimator.look(now, count, count // 2, 0.1)
        assert rate is None or FLOOR_BPS <= rate <= CEILING
        assert len(estimator._bins) <= 40
        assert len(estimator._bases) <= 30
