"""A call in numbers: finite and within bounds whatever the counters say; and its worst ten seconds are found."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.call.samples import Cameras, Flow, Heard, Received, Sample, Second, Sent, difference, without_line
from device.call.statistics import WORST, CallStatistics, badness
from messaging.codec import decode, encode
from messaging.quality import CallQuality, Grade
from tests.kits.examples import examples

WELL = Second(1.0, Flow(30, 1500, 0.0, 30, 1280, 720), Flow(30, 2000, 0.0, 30, 1280, 720), rtt_s=0.04, delay_ms=45)
POOR = replace(WELL, into=replace(WELL.into, loss=0.2, fps=5, frozen=0.6, freezes=1), concealed_ms=200, rtt_s=0.8)

counters = st.one_of(
    st.integers(-5, 2**60), st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 1e4), st.just(0)
)  # fmt: skip
sents = st.builds(Sent, *[counters] * 6, st.none() | counters, st.none() | counters)
hears = st.builds(Heard, *[counters] * 6, st.none() | counters)
samples = st.builds(
    Sample, st.integers(1, 3), sents, st.builds(Received, *[counters] * 9), hears,
    st.sampled_from([None, "direct", "relay"]), st.sampled_from([None, "H264", "VP8"]),
)  # fmt: skip
lengths = st.one_of(st.floats(0.5, 3.0), st.floats(allow_nan=True, allow_infinity=True))
grades: st.SearchStrategy[Grade] = st.sampled_from(["good", "fair", "poor"])


def told(*seconds: Second, grade: Grade = "good", connect_s: float | None = 1.25) -> CallQuality:
    statistics = CallStatistics(connect_s)
    for second in seconds:
        statistics.add(second, grade, "good")
    statistics.went("direct", "H264")
    return statistics.result("0123456789abcdef", 1_800_000_000.0, "x264")


def numbers(thing: Any) -> list[float]:
    """All of a message that cannot be less than nought."""
    found: list[float] = []
    for field in fields(thing):
        value = None if field.name == "skew_ms" else getattr(thing, field.name)
        if is_dataclass(value):
            found += numbers(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append(value)
    return found


@pytest.mark.long
@settings(max_examples=examples(150), deadline=None)
@given(
    st.lists(st.tuples(samples, lengths, grades, grades, st.booleans()), min_size=1, max_size=40),
    st.none() | st.floats(allow_nan=False),
)
def test_whatever_is_read_and_in_which_order_the_figures_can_be_sent(
    story: list[tuple[Sample, float, Grade, Grade, bool]], connect_s: float | None
) -> None:
    statistics = CallStatistics(connect_s)
    before = story[0][0]
    for sample, seconds, out, into, lost in story:
        second = without_line(seconds) if lost else difference(before, sample, seconds, Cameras())
        statistics.add(second, out, into)
        statistics.went(sample.path, sample.codec)
        before = sample
    quality = statistics.result("0123456789abcdef", 1_800_000_000.0, "x264, h264_v4l2m2m failed")
    assert all(math.isfinite(number) and number >= 0 for number in numbers(quality))
    assert decode(CallQuality, encode(quality)) == quality, "every bound of the message holds"


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=0, max_size=60))
def test_the_worst_ten_seconds_are_those_that_looking_at_all_of_them_finds(story: list[tuple[float, bool]]) -> None:
    seconds = [
        without_line(1.0) if lost else replace(WELL, into=replace(WELL.into, frozen=frozen)) for frozen, lost in story
    ]
    worst = told(*seconds).worst
    windows = [seconds[start : start + WORST] for start in range(len(seconds) - WORST + 1)]
    if not windows:
        assert worst is None
        return
    means = [sum(map(badness, window)) / WORST for window in windows]
    assert worst is not None
    assert worst.badness == pytest.approx(max(means), abs=0.01)
    assert means[round(worst.began_s)] == pytest.approx(max(means), abs=1e-6), "and it is said when they began"


def test_a_good_call_as_it_is_told() -> None:
    quality = told(*[WELL] * 60)
    assert (quality.grade, quality.seconds, quality.connect_s, quality.resumes, quality.lost_s) == (
        "good", 60.0, 1.25, 0, 0.0,
    )  # fmt: skip
    assert (quality.out.sound_kbps, quality.out.picture_kbps, quality.out.fps) == (30, 1500, 30)
    assert (quality.into.width, quality.into.height, quality.into.loss) == (1280, 720, 0)
    assert quality.rtt_ms == 40
    assert quality.rtt_p95_ms == pytest.approx(40, rel=0.05)
    assert quality.sound.delay_ms == 45
    assert (quality.path, quality.codec, quality.encoder) == ("direct", "H264", "x264")
    assert quality.worst is not None
    assert quality.worst.badness == 0


def test_ten_bad_seconds_of_a_long_call_are_told_and_do_not_make_the_whole_call_poor() -> None:
    statistics = CallStatistics(None)
    for second, grade in [*[(WELL, "good")] * 100, *[(POOR, "poor")] * 10, *[(WELL, "good")] * 90]:
        statistics.add(second, "good", grade)  # type: ignore[arg-type]
    quality = statistics.result("0123456789abcdef", 0.0, "x264")
    assert quality.grade == "good"
    assert quality.worst is not None
    assert (quality.worst.began_s, quality.worst.in_loss, quality.worst.freeze_s) == (100, 0.2, 6)
    assert (quality.worst.missing_ms, quality.worst.rtt_ms) == (2000, 800)
    assert (quality.into.freezes, quality.into.freeze_s, quality.into.poor_s) == (10, 6, 10)
    assert quality.into.loss == pytest.approx(0.01)
    assert quality.into.loss_p95 == pytest.approx(0.0, abs=0.011)


@pytest.mark.parametrize(
    ("fair", "poor", "grade"), [(0, 0, "good"), (9, 0, "good"), (10, 0, "fair"), (5, 5, "fair"), (0, 10, "poor")]
)
def test_a_call_is_as_bad_as_what_held_for_a_tenth_of_it(fair: int, poor: int, grade: Grade) -> None:
    statistics = CallStatistics(None)
    for each in ["good"] * (100 - fair - poor) + ["fair"] * fair + ["poor"] * poor:
        statistics.add(WELL, each, "good")  # type: ignore[arg-type]
    assert statistics.grade == grade


def test_seconds_without_a_line_are_poor_and_counted_and_do_not_thin_the_means() -> None:
    statistics = CallStatistics(None)
    for second in [*[WELL] * 20, *[without_line(1.0)] * 12]:
        statistics.add(second, "good", "good")
    statistics.resumed()
    for _ in range(20):
        statistics.add(WELL, "good", "good")
    quality = statistics.result("0123456789abcdef", 0.0, "x264")
    assert (quality.resumes, quality.lost_s, quality.seconds, quality.grade) == (1, 12.0, 52.0, "poor")
    assert (quality.out.picture_kbps, quality.into.fps) == (1500, 30)
    assert quality.worst is not None
    assert (quality.worst.badness, quality.worst.lost_s) == (10, 10)


def test_a_peer_made_anew_begins_at_nought_and_the_sound_of_the_process_does_not() -> None:
    old = Sample(1, Sent(9000, 90_000, 900), Received(9000, 90_000, 900, 9000, 90), Heard(5000, 50, 40, 800, 0, 60))
    new = Sample(2, Sent(4000, 100_000, 30), Received(3000, 200_000, 25, 200, 0), Heard(5049, 51, 41, 820, 0, 60))
    second = difference(old, new, 1.0, Cameras())
    assert (second.out.picture_kbps, second.out.fps) == (800, 30)
    assert (second.into.picture_kbps, second.into.fps) == (1600, 25)
    assert second.into.loss == pytest.approx(1 / 250)
    assert (second.sound_lost, second.sound_repaired, second.concealed_ms) == (1, 1, 20)


def test_by_how_much_sound_and_picture_are_apart_is_the_mean_of_what_is_known() -> None:
    late, early = replace(WELL, skew_ms=60.0), replace(WELL, skew_ms=-20.0)
    assert told(*[late] * 3, early, WELL).sound.skew_ms == 40
    assert told(WELL).sound.skew_ms is None
    nonsense, dark = Heard(skew_ms=4e8), Heard(skew_ms=50.0)
    assert difference(Sample(1), Sample(1, heard=nonsense), 1.0, Cameras()).skew_ms is None
    assert difference(Sample(1), Sample(1, heard=dark), 1.0, Cameras(other=False)).skew_ms is None
    assert difference(Sample(1), Sample(1, heard=dark), 1.0, Cameras()).skew_ms == 50


def test_a_camera_that_is_off_is_no_bad_picture() -> None:
    dark = replace(WELL, into=replace(WELL.into, fps=0.0, pictured=False))
    assert badness(dark) == badness(WELL) == 0
    assert told(*[dark] * 5, *[WELL] * 5).into.fps == 30


def test_the_size_is_the_one_that_was_there_longest() -> None:
    small = replace(WELL, out=replace(WELL.out, width=640, height=360))
    quality = told(*[WELL] * 4, *[small] * 6)
    assert (quality.out.width, quality.out.height) == (640, 360)


def test_its_memory_does_not_grow_with_the_call() -> None:
    statistics = CallStatistics(None)
    for number in range(20_000):
        flow = replace(WELL.out, loss=(number % 997) / 1000, width=number % 1900 + 16)
        statistics.add(replace(WELL, out=flow, rtt_s=0.001 + number / 400), "good", "good")
    assert len(statistics._trips._weights) < 500
    assert len(statistics._out._loss._weights) < 500
    assert len(statistics._out._sizes) <= 64


@given(st.lists(st.floats(0.001, 60), min_size=1, max_size=300))
def test_a_percentile_is_true_to_five_per_cent(trips: list[float]) -> None:
    quality = told(*(replace(WELL, rtt_s=trip) for trip in trips))
    true = sorted(trips)[math.ceil(0.95 * len(trips)) - 1]
    assert quality.rtt_p95_ms is not None
    assert true * 1000 * 0.99 - 0.1 <= quality.rtt_p95_ms <= true * 1000 * 1.06 + 0.1


def test_which_encoder_is_one_of_a_few_words() -> None:
    statistics = CallStatistics(None)
    assert statistics.result("c" * 8, 0.0, "h264_v4l2m2m").encoder == "h264_v4l2m2m"
    assert statistics.result("c" * 8, 0.0, "x264, h264_v4l2m2m failed").encoder == "x264"
    assert statistics.result("c" * 8, 0.0, "Karen Jensen").encoder == "other"
