"""The bad line of the benches, by itself: what it lets through, what it drops, and when things arrive."""

from __future__ import annotations

import json
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.impair import CLEAR, HEADERS, LEAST_QUEUE, Impairment, Pipe, earliest
from tests.kits.examples import examples

SIZE = 972  # with headers a round thousand bytes on the wire


def datagram(number: int, size: int = SIZE) -> bytes:
    return number.to_bytes(4, "big") + bytes(size - 4)


def number_of(arrived: bytes) -> int:
    return int.from_bytes(arrived[:4], "big")


def send(
    pipe: Pipe, sizes: list[int], gap: float, start: float = 0.0, look: float | None = None
) -> list[tuple[float, int, int]]:
    """Send one each `gap`; (arrival, number, size) of each that arrives. Looked at when due, or each `look` seconds."""
    arrived: list[tuple[float, int, int]] = []

    def run_until(end: float) -> None:
        now = start if look is None else look
        while (due := pipe.due()) is not None and due <= end:
            now = due
            arrived.extend((now, number_of(data), len(data)) for data, _ in pipe.take(now))

    for number, size in enumerate(sizes):
        at = start + number * gap
        if look is None:
            run_until(at)
        pipe.put(datagram(number, size), None, at)
        if look is None:
            arrived.extend((at, number_of(data), len(data)) for data, _ in pipe.take(at))
    end = start + len(sizes) * gap + 60
    if look is None:
        run_until(end)
    else:
        arrived.extend((end, number_of(data), len(data)) for data, _ in pipe.take(end))
    return arrived


def kbps(arrived: list[tuple[float, int, int]], begin: float, end: float) -> float:
    return sum(size + HEADERS for at, _, size in arrived if begin < at <= end) * 8 / (end - begin) / 1000


def test_a_clear_line_delivers_all_at_once_and_unchanged() -> None:
    pipe = Pipe(1)
    pipe.put(b"one", "there", 5.0)
    pipe.put(b"two", "here", 5.0)
    assert pipe.due() == 5.0
    assert pipe.take(5.0) == [(b"one", "there"), (b"two", "here")]
    assert pipe.due() is None
    assert (pipe.counts.came, pipe.counts.passed, pipe.counts.passed_bytes) == (2, 2, 6)


@pytest.mark.parametrize("cap", [150, 300, 1000, 3000])
def test_a_cap_is_kept_to_the_bit_whatever_is_offered(cap: int) -> None:
    offered = [SIZE] * int(2.5 * cap * 1000 / 8000 * 5)  # two and a half times the cap, for 5 s
    arrived = send(Pipe(1, Impairment(cap_kbps=cap)), offered, 8 / (2.5 * cap))
    assert kbps(arrived, 1, 5) == pytest.approx(cap, rel=0.02)


def test_what_stays_under_the_cap_only_takes_its_time_on_the_line() -> None:
    arrived = send(Pipe(1, Impairment(cap_kbps=1000)), [SIZE] * 200, 0.02)
    assert len(arrived) == 200
    assert [at - number * 0.02 for at, number, _ in arrived] == pytest.approx([0.008] * 200)


def test_the_queue_holds_its_time_and_drops_what_comes_too_late_to_it() -> None:
    pipe = Pipe(1, Impairment(cap_kbps=1000, queue_ms=300))
    for number in range(100):
        pipe.put(datagram(number), None, 0.0)
    assert pipe.counts.overflowed == 100 - 37, "300 ms of 1000 kbit/s are 37.5 thousand bytes"
    arrived = pipe.take(10.0)
    assert [number_of(data) for data, _ in arrived] == list(range(37)), "the newest are dropped, not the oldest"
    assert pipe.queued == 0


def test_a_slow_line_has_a_queue_for_some_full_datagrams_all_the_same() -> None:
    assert Impairment(cap_kbps=50, queue_ms=100).queue_bytes == LEAST_QUEUE


def test_how_often_the_line_is_looked_at_changes_nothing_that_arrives() -> None:
    line = Impairment(cap_kbps=400, loss=0.1, delay_ms=80, jitter_ms=20)
    sizes = [100 + 37 * n % 1100 for n in range(400)]
    assert [n for _, n, _ in send(Pipe(3, line), sizes, 0.01)] == [
        n for _, n, _ in send(Pipe(3, line), sizes, 0.01, look=1.0)
    ]


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.1])
def test_the_share_that_is_lost_is_the_one_asked_for(loss: float) -> None:
    pipe = Pipe("a run", Impairment(loss=loss))
    arrived = send(pipe, [100] * 20_000, 0.001)
    assert pipe.counts.lost == 20_000 - len(arrived)
    assert pipe.counts.lost / 20_000 == pytest.approx(loss, abs=4 * (loss * (1 - loss) / 20_000) ** 0.5)


def test_the_seed_says_which_are_lost_whatever_the_clock_and_the_rest_of_the_line_do() -> None:
    def lost(seed: int, line: Impairment, gap: float) -> set[int]:
        return set(range(300)) - {number for _, number, _ in send(Pipe(seed, line), [100] * 300, gap)}

    alone = lost(1, Impairment(loss=0.1), 0.02)
    assert alone == lost(1, Impairment(loss=0.1, delay_ms=50, jitter_ms=50), 0.005)
    assert alone == lost(1, Impairment(loss=0.1, cap_kbps=1000), 0.02)
    assert alone != lost(2, Impairment(loss=0.1), 0.02)
    assert alone > lost(1, Impairment(loss=0.05), 0.02), "a better line loses some of the same"


def test_a_cut_line_delivers_nothing_and_one_that_loses_nothing_all() -> None:
    assert send(Pipe(1, Impairment(loss=1.0)), [100] * 50, 0.01) == []
    assert len(send(Pipe(1, Impairment(loss=0.0)), [100] * 50, 0.01)) == 50


def test_delay_and_jitter_are_as_asked_for_where_datagrams_are_far_apart() -> None:
    pipe = Pipe(1, Impairment(delay_ms=150, jitter_ms=30))
    delays = [at - number for at, number, _ in send(pipe, [100] * 2000, 1.0)]
    assert 0.12 <= min(delays) < 0.123
    assert 0.177 < max(delays) <= 0.18
    assert statistics.mean(delays) == pytest.approx(0.15, abs=0.002)
    assert statistics.stdev(delays) == pytest.approx(0.06 / 12**0.5, rel=0.05), "uniform"


def test_datagrams_overtake_each_other_only_where_that_is_asked_for() -> None:
    line = {"delay_ms": 100.0, "jitter_ms": 100.0}
    in_order = [number for _, number, _ in send(Pipe(1, Impairment(**line)), [100] * 200, 0.005)]
    assert in_order == sorted(in_order)
    mixed = [number for _, number, _ in send(Pipe(1, Impairment(**line, reorder=True)), [100] * 200, 0.005)]
    assert mixed != sorted(mixed)
    assert sorted(mixed) == list(range(200))


def test_a_schedule_runs_by_itself_from_when_it_was_set() -> None:
    cut = Impairment(schedule=((1.0, Impairment(loss=1.0)), (3.0, CLEAR)))
    pipe = Pipe(1)
    pipe.put(b"before", None, 95.0)
    assert len(pipe.take(95.0)) == 1
    pipe.set(cut, 100.0)
    numbers = {number for _, number, _ in send(pipe, [100] * 500, 0.01, start=100.0)}
    assert numbers == {*range(100), *range(300, 500)}
    assert pipe.impairment == CLEAR


def test_a_cap_that_moves_holds_for_what_waits_already() -> None:
    moving = Impairment(cap_kbps=2000, schedule=((4.0, Impairment(cap_kbps=300)), (12.0, Impairment(cap_kbps=2000))))
    pipe = Pipe(1)
    pipe.set(moving, 0.0)
    arrived = send(pipe, [SIZE] * 5000, 0.004)  # 2000 kbit/s, for 20 s
    assert kbps(arrived, 1, 4) == pytest.approx(2000, rel=0.02)
    assert kbps(arrived, 5, 12) == pytest.approx(300, rel=0.02)
    assert kbps(arrived, 13, 19) == pytest.approx(2000, rel=0.02)


def test_a_cap_that_is_lifted_sets_free_what_waited() -> None:
    pipe = Pipe(1, Impairment(cap_kbps=10))
    for number in range(5):
        pipe.put(datagram(number), None, 0.0)
    assert pipe.take(0.5) == []
    pipe.set(CLEAR, 0.5)
    assert len(pipe.take(0.5)) == 5


@given(
    st.lists(st.tuples(st.floats(0, 0.05), st.integers(4, 1200)), max_size=120),
    st.builds(
        Impairment,
        cap_kbps=st.none() | st.floats(20, 5000),
        loss=st.sampled_from((0.0, 0.1, 1.0)),
        delay_ms=st.floats(50, 200),
        jitter_ms=st.floats(0, 50),
        queue_ms=st.floats(0, 1000),
        reorder=st.booleans(),
    ),
    st.integers(),
)
@settings(max_examples=examples(150), deadline=None)
def test_nothing_is_invented_doubled_early_or_forgotten(
    comes: list[tuple[float, int]], line: Impairment, seed: int
) -> None:
    pipe = Pipe(seed, line)
    now, sent = 0.0, {}
    arrived: list[tuple[float, bytes]] = []
    for number, (gap, size) in enumerate(comes):
        now += gap
        sent[number] = (now, datagram(number, size))
        pipe.put(sent[number][1], None, now)
        assert pipe.queued <= line.queue_bytes
        arrived += [(now, data) for data, _ in pipe.take(now)]
    while (due := pipe.due()) is not None:
        assert due >= now - 1e-9
        now = max(now, due) + 1e-9
        arrived += [(now, data) for data, _ in pipe.take(now)]
    numbers = [number_of(data) for _, data in arrived]
    assert len(set(numbers)) == len(numbers)
    assert all(sent[number_of(data)][1] == data for _, data in arrived)
    least = (line.delay_ms - line.jitter_ms) / 1000
    assert all(at - sent[number_of(data)][0] >= least - 1e-6 for at, data in arrived)
    counts = pipe.counts
    assert counts.came == len(comes) == counts.passed + counts.lost + counts.overflowed
    assert counts.passed == len(arrived)
    assert line.reorder or numbers == sorted(numbers)


@given(st.floats(50, 3000), st.integers(0, 2**32))
@settings(max_examples=examples(50), deadline=None)
def test_no_second_carries_more_than_the_cap(cap: float, seed: int) -> None:
    sizes = [200 + (seed * (n + 1)) % 1000 for n in range(300)]
    arrived = send(Pipe(seed, Impairment(cap_kbps=cap)), sizes, 0.005)
    for begin in (0.0, 0.5, 1.0):
        assert kbps(arrived, begin, begin + 1) <= cap + (1200 + HEADERS) * 8 / 1000


def test_a_line_is_told_as_json_and_read_again() -> None:
    line = Impairment(300, 0.05, 150, 30, 200, True, ((3.0, Impairment(loss=1.0)), (5.0, CLEAR)))
    assert Impairment.from_data(json.loads(json.dumps(line.to_data()))) == line


@pytest.mark.parametrize(
    "wrong",
    [
        {"cap_kbps": 0},
        {"cap_kbps": -1},
        {"loss": 1.5},
        {"loss": -0.1},
        {"delay_ms": -1},
        {"jitter_ms": 10},
        {"delay_ms": 5, "jitter_ms": 10},
        {"queue_ms": -1},
        {"schedule": ((2.0, CLEAR), (1.0, CLEAR))},
        {"schedule": ((-1.0, CLEAR),)},
        {"schedule": ((1.0, Impairment(schedule=((1.0, CLEAR),))),)},
    ],
)
def test_a_line_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Impairment(**wrong)  # type: ignore[arg-type]


def test_the_earliest_of_some_moments() -> None:
    assert earliest([None, 3.0, 1.0]) == 1.0
    assert earliest([None]) is None
