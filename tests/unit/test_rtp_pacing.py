"""Pacing and repairs on an injected clock: what may leave when, and what is worth sending again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media.rtp.pacer import STEP_S, Pacer
from device.media.rtp.repairs import MOST_BYTES, MOST_PACKETS, MOST_TIMES, SHARE, Repairs

WIDE, THIN = 2_700_000, 450_000  # bits a second: 1.8 Mbit/s and 300 kbit/s of pictures, at half as fast again


def leaving(pacer: Pacer, packets: int, size: int, now: float) -> tuple[list[float], float]:
    """When each of so many packets leaves."""
    times = []
    while len(times) < packets:
        if pacer.may_send(now):
            pacer.sent(size)
            times.append(now)
        else:
            now += pacer.wait()
    return times, now


def test_on_a_wide_line_a_usual_picture_leaves_at_once() -> None:
    pacer = Pacer(WIDE, 7500, 0.0)
    for picture in range(30):
        times, _ = leaving(pacer, 7, 1100, picture / 30)
        assert times == [picture / 30] * 7


def test_on_a_thin_line_a_usual_picture_leaves_at_once_and_a_key_frame_does_not() -> None:
    pacer = Pacer(THIN, 1250, 0.0)
    now = 0.0
    for picture in range(30):
        now = picture / 30
        times, _ = leaving(pacer, 1, 1250, now)
        assert times == [now]
    times, _ = leaving(pacer, 12, 1250, now + 1)
    spread = times[-1] - times[0]
    assert 12 * 1250 * 8 / THIN * 0.6 < spread < 12 * 1250 * 8 / THIN + STEP_S


@given(
    st.integers(100_000, 5_000_000),
    st.lists(st.tuples(st.integers(1, 40), st.integers(50, 1200), st.floats(0, 0.2)), min_size=1, max_size=20),
)
def test_never_more_than_the_pace_and_one_burst(pace: int, pictures: list[tuple[int, int, float]]) -> None:
    frame = pace / 8 / 30
    pacer, now, sent = Pacer(pace, frame, 0.0), 0.0, 0
    for packets, size, pause in pictures:
        _, now = leaving(pacer, packets, size, now + pause)
        sent += packets * size
        assert sent <= max(2500, 2 * frame) + now * pace / 8 + size + 1


def test_who_waits_is_not_woken_for_every_packet() -> None:
    pacer = Pacer(WIDE, 7500, 0.0)
    times, _ = leaving(pacer, 100, 300, 0.0)
    assert len(set(times)) < 40


def test_the_queue_is_told_in_seconds() -> None:
    pacer = Pacer(800_000, 1000, 0.0)
    assert pacer.queue_s(0) == 0
    leaving(pacer, 3, 1000, 0.0)
    assert pacer.queue_s(50_000) == pytest.approx(0.5)


def test_a_new_pace_holds_from_now_on() -> None:
    pacer = Pacer(WIDE, 7500, 0.0)
    pacer.set_pace(80_000, 300)
    assert pacer.may_send(1.0)
    pacer.sent(12_500)
    assert not pacer.may_send(1.5)
    assert pacer.wait() > 0.4


def kept(count: int, size: int = 1000, key: bool = True, video_bps: int = 10_000_000, at: float = 0.0) -> Repairs:
    """Packets 0, 1, ... of a picture."""
    repairs = Repairs(at)
    repairs.set_budget(video_bps)
    if key:
        repairs.key_frame(0)
    for sequence in range(count):
        repairs.remember(sequence, bytes(size), 9000, False, at)
    return repairs


def test_a_lost_packet_is_sent_again_and_not_a_second_time_while_it_is_on_its_way() -> None:
    repairs = kept(5)
    assert repairs.asked([1, 3, 3], 0.1, 0.05).again == (1, 3)
    assert repairs.asked([1, 3], 0.1, 0.1).again == ()
    assert repairs.asked([1], 0.1, 0.2).again == (1,)
    assert repairs.refused == 0


def test_a_packet_is_sent_again_so_many_times_and_then_a_key_frame_is_better() -> None:
    repairs = kept(1)
    for turn in range(MOST_TIMES):
        assert repairs.asked([0], 0.05, 0.1 + turn / 10).again == (0,)
    verdict = repairs.asked([0], 0.05, 0.42)
    assert verdict.again == ()
    assert verdict.lost
    assert repairs.refused == 1


@pytest.mark.parametrize(("trip", "age", "useful"), [(0.1, 1.05, True), (0.1, 1.15, False), (0.6, 1.55, True)])
def test_what_comes_too_late_is_not_sent(trip: float, age: float, useful: bool) -> None:
    verdict = kept(1).asked([0], trip, age)
    assert (verdict.again == (0,), verdict.lost) == (useful, not useful)


def test_what_was_before_the_last_key_frame_comes_after_it_and_is_not_mourned() -> None:
    repairs = kept(10)
    repairs.key_frame(10)
    repairs.remember(10, b"key", 9000, True, 0.1)
    assert repairs.asked([3, 9, 10], 0.1, 0.15).again == (10, 3, 9)
    assert not repairs.asked([3, 9], 0.1, 3.0).lost
    assert repairs.asked([10], 0.1, 3.0).lost


def test_numbers_before_the_first_key_frame_are_nobodys() -> None:
    assert not kept(2, key=False).asked([7], 0.1, 0.1).lost


@given(
    st.integers(100_000, 3_000_000),
    st.lists(st.tuples(st.floats(0.001, 0.05), st.lists(st.integers(0, 600), max_size=60)), max_size=60),
    st.floats(0, 0.5),
)
def test_a_storm_of_requests_never_takes_more_than_its_share(
    video_bps: int, storm: list[tuple[float, list[int]]], trip: float
) -> None:
    repairs, now, octets, number = Repairs(0.0), 0.0, 0, 0
    repairs.set_budget(video_bps)
    repairs.key_frame(0)
    for pause, lost in storm:
        now += pause
        for _ in range(10):
            repairs.remember(number, bytes(1100), 9000, False, now)
            number += 1
        octets += 1100 * len(repairs.asked(lost, trip, now).again)
        saved = max(3600, SHARE * video_bps / 8 * 0.25)
        assert octets <= saved + SHARE * video_bps / 8 * now


def test_a_request_beyond_the_share_is_refused_without_a_key_frame_for_it_may_come_again() -> None:
    repairs = kept(20, video_bps=100_000)
    first = repairs.asked(list(range(20)), 0.1, 0.05)
    assert first.again == (0, 1, 2)
    assert not first.lost
    assert repairs.refused == 17


@given(st.lists(st.integers(1, 1200), min_size=1, max_size=900))
def test_the_memory_is_bounded(sizes: list[int]) -> None:
    repairs = Repairs(0.0)
    repairs.key_frame(0)
    for number, size in enumerate(sizes):
        repairs.remember(number, bytes(size), 9000, False, 0.0)
    held = [number for number in range(len(sizes)) if _held(repairs, number)]
    assert len(held) <= MOST_PACKETS
    assert sum(sizes[number] for number in held) <= MOST_BYTES
    assert held[-1] == len(sizes) - 1
    assert held == list(range(held[0], len(sizes)))


def _held(repairs: Repairs, number: int) -> bool:
    try:
        return repairs[number] is not None
    except KeyError:
        return False
