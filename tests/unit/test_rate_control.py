"""The rate controller on model lines: what a call on such a line would notice."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.media.rate import Budget, least, shares
from device.media.rate.control import SILENCE_S, RateControl
from tests.kits.examples import examples
from tests.kits.media.link_model import Call, Line, Moment, steady, stepped

MOST = 1_800_000


def control(most: int = MOST, width: int = 1280, height: int = 720) -> RateControl:
    return RateControl(most, width, height, 30, 0.0)


def played(line: Line, seconds: float, most: int = MOST) -> Call:
    call = Call(control(most), line)
    call.run(seconds)
    return call


def on_the_wire(budget: Budget) -> int:
    """What a budget takes of the line, headers and all."""
    sound = budget.audio_bps + shares.SOUND_PACKETS * shares.HEADERS
    return int(sound + budget.video_bps * (1 + shares.HEADERS / 9600))


def kbps(moments: list[Moment]) -> float:
    return sum(moment.delivered for moment in moments) / (moments[-1].now - moments[0].now) / 1000


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def steps_a_minute(moments: list[Moment]) -> float:
    shapes = [(m.budget.width, m.budget.fps) for m in moments]
    return sum(a != b for a, b in pairwise(shapes)) * 60 / (moments[-1].now - moments[0].now)


def test_the_first_picture_is_sharp_and_a_wide_line_is_full_in_seconds() -> None:
    first = control().look(0.0)
    assert (first.width, first.height, first.fps) == (960, 540, 30), "its key frame is there in half a second"
    assert control(300_000).look(0.0).video_bps == pytest.approx(300_000, rel=0.01)
    call = played(Line(steady(5e6)), 10)
    assert next(m.now for m in call.log if m.budget.video_bps > 1_000_000) < 3.5
    assert next(m.now for m in call.log if m.budget.height == 720) < 6
    assert call.log[-1].budget.video_bps > 0.99 * MOST


@pytest.mark.parametrize("remb", [True, False])
@pytest.mark.parametrize(("kbit", "within"), [(150, 10), (300, 8), (500, 8), (1000, 8)])
def test_a_narrow_line_is_filled_and_not_overrun(kbit: int, within: int, remb: bool) -> None:
    call = played(Line(steady(kbit * 1000), remb=remb), 60)
    after = call.since(within)
    assert statistics.mean(on_the_wire(moment.budget) for moment in after) <= kbit * 1000 * 1.01
    room = 0.3 if kbit > 150 else 0.4  # the floor is 142 kbit/s: there a queue drains slowly
    assert p95([moment.queue_s for moment in after]) < room, "seconds of delay"
    assert kbps(after) > 0.72 * kbit, "the rest is sound and headers" if kbit < 300 else ""
    assert steps_a_minute(after) <= 6


@pytest.mark.parametrize(("kbit", "lines"), [(150, 180), (300, 540), (500, 540), (1000, 720)])
def test_the_picture_is_as_large_as_the_line_is_worth(kbit: int, lines: int) -> None:
    shown = [m.budget.height for m in played(Line(steady(kbit * 1000)), 60).since(20)]
    assert statistics.mode(shown) >= lines


@pytest.mark.parametrize("share", [0.01, 0.05, 0.10])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_wide_line_that_loses_packets_does_not_starve(share: float, seed: int) -> None:
    call = played(Line(steady(5e6), steady(share), seed=seed), 60)
    assert min(moment.budget.video_bps for moment in call.log) > 200_000
    assert statistics.mean(moment.budget.video_bps for moment in call.since(20)) > 800_000
    assert call.log[-1].budget.loss == pytest.approx(share, abs=0.04)


def test_a_long_way_with_jitter_is_no_reason_to_slow_down() -> None:
    call = played(Line(steady(5e6), delay=0.15, jitter=0.03), 30)
    assert min(moment.budget.video_bps for moment in call.log) > 280_000
    assert call.log[-1].budget.video_bps > 0.95 * MOST


def test_a_satellite_is_slow_but_not_full() -> None:
    call = played(Line(steady(5e6), delay=0.32), 60)
    assert call.log[-1].budget.video_bps > 900_000


def test_a_queue_that_is_the_other_side_s_own_does_not_starve_us() -> None:
    """It fills its own way to us, and its reports come late: our rate changes nothing in that."""
    rate = control()
    for second in range(1, 40):
        rate.on_report(0.0, 0.01, 0.04 if second < 5 else 0.45, float(second))
    assert rate.look(40.0).video_bps > 900_000


def test_a_cap_that_comes_and_goes() -> None:
    call = played(Line(stepped((10, 2e6), (30, 3e5), (99, 2e6))), 45)
    assert max(moment.queue_s for moment in call.since(14, 30)) < 0.45
    assert kbps(call.since(16, 30)) > 180
    back = next(moment.now for moment in call.since(30) if moment.budget.video_bps > 1_000_000)
    assert back - 30 < 6.5, "seconds until it is sharp again"


@pytest.mark.parametrize("away", [2, 10])
def test_a_line_that_was_away_is_used_again_at_once(away: float) -> None:
    call = played(Line(steady(2e6), stepped((10, 0.0), (10 + away, 1.0), (99, 0.0))), 30)
    before = statistics.mean(moment.budget.video_bps for moment in call.since(8, 10))
    after = call.since(10 + away + 3, 10 + away + 6)
    assert statistics.mean(moment.budget.video_bps for moment in after) > 0.6 * before


def test_a_silence_is_counted_once() -> None:
    call = played(Line(steady(2e6), stepped((5, 0.0), (15, 1.0), (99, 0.0))), 20)
    assert call.control.figures().silences == 1


def test_a_line_without_a_queue_loses_less_than_a_fifth_for_our_sake() -> None:
    call = played(Line(steady(500_000), room=0.02), 90)
    assert statistics.mean(moment.budget.loss for moment in call.since(30)) < 0.2
    assert kbps(call.since(30)) > 350


def test_remb_alone_is_not_followed_to_the_floor() -> None:
    """A browser on a busy machine: it thinks every second that the line is overrun, and we lose packets as well."""
    rate = control()
    for second in range(1, 60):
        rate.on_report(0.1 if second % 2 else 0.08, 0.005, 0.04, float(second))
        rate.on_remb(int(rate.look(second + 0.4).video_bps * 0.9 * (0.85 if second % 3 else 1)), second + 0.5)
        assert rate.look(second + 0.9).video_bps > (shares.MIN_VIDEO if second < 15 else 700_000)
    assert rate.figures().remb_doubted >= 1


def test_a_calm_picture_does_not_hold_itself_down_by_the_remb_it_earns() -> None:
    """A browser's REMB climbs no further than half over what comes in: recorded on a line of 300 kbit/s, 15 s long."""
    rate = control()
    for second in range(1, 20):
        rate.on_report(0.0, 0.006, 0.03, float(second))
        rate.on_remb(184_645, second + 0.5)
    assert rate.look(20.0).video_bps > 300_000


def test_a_remb_that_stands_still_while_more_is_sent_is_meant_until_it_rises() -> None:
    rate = control()
    for second in range(1, 15):
        rate.on_sent(rate.figures().line_bps)
        rate.on_report(0.0, 0.006, 0.03, float(second))
        rate.on_remb(400_000, second + 0.5)
    assert on_the_wire(rate.look(15.0)) < 420_000
    for second in range(15, 40):
        rate.on_sent(rate.figures().line_bps)
        rate.on_report(0.0, 0.006, 0.03, float(second))
        rate.on_remb(int(400_000 * 1.08 ** (second - 14)), second + 0.5)
    assert rate.look(40.0).video_bps > 900_000


def test_on_a_thin_line_a_key_frame_leaves_no_faster_than_the_line_takes_it() -> None:
    thin, wide = (Budget(bps, 32_000, 1280, 720, 30, 0.0) for bps in (100_000, 800_000))
    assert thin.pace_bps < 1.2 * thin.video_bps
    assert wide.pace_bps == 1.5 * wide.video_bps


def test_what_has_not_been_tried_is_not_promised() -> None:
    """A calm picture takes 150 kbit/s whatever the budget: when the room comes alive, it must not overrun the line."""
    rate = control()
    for second in range(1, 40):
        rate.on_sent(150_000)
        rate.on_report(0.0, 0.0, 0.03, float(second))
    assert rate.look(40.0).video_bps < 420_000
    for second in range(40, 46):
        rate.on_sent(rate.figures().line_bps)
        rate.on_report(0.0, 0.0, 0.03, float(second))
    assert rate.look(46.0).video_bps > 1_000_000


def test_a_remb_that_falls_is_followed_before_the_next_report() -> None:
    rate = control()
    rate.on_report(0.0, 0.0, 0.03, 1.0)
    rate.on_remb(1_500_000, 1.1)
    before = rate.look(1.4).video_bps
    rate.on_remb(255_000, 1.5)
    assert rate.look(1.5).video_bps < 0.55 * before
    rate.on_report(0.5, 0.02, 0.5, 2.0)
    assert rate.look(2.0).video_bps < 450_000, "and then the queue says how far"


def test_many_packets_asked_for_again_are_loss_before_the_report_comes() -> None:
    rate = control()
    rate.on_report(0.0, 0.0, 0.03, 1.0)
    before = rate.look(1.0).video_bps
    for i in range(1, 8):
        rate.on_nacks(8, 1.0 + i * 0.05)
    assert rate.look(1.4).video_bps < 0.9 * before


def test_pictures_that_pile_up_here_make_the_encoder_wait() -> None:
    rate = control()
    before = rate.look(0.0)
    rate.on_queue(0.6, 0.1)
    piled = rate.look(0.1)
    rate.on_queue(0.0, 0.2)
    assert piled.video_bps < 0.7 * before.video_bps
    assert (piled.width, piled.audio_bps) == (before.width, before.audio_bps)
    assert rate.look(0.2) == before


def test_sound_comes_before_the_picture() -> None:
    call = played(Line(steady(200_000)), 30)
    for moment in call.log:
        assert moment.budget.audio_bps >= 12_000
    assert call.control.look(30.1).audio_bps in (12_000, 20_000)


def test_sound_that_is_lost_can_be_repaired_even_on_the_narrowest_line() -> None:
    rate = control()
    for second in range(1, 10):
        rate.on_report(0.3, 0.0, 0.03, float(second))
    for second in range(10, 13):
        rate.on_report(0.3, 0.0, 0.3 + 0.1 * (second - 9), float(second))
    assert rate.look(12.0).video_bps < 100_000
    assert rate.look(12.0).audio_bps == 20_000, "what libopus needs to put repairs into its packets"


def test_what_a_line_carries_and_what_is_left_of_it_agree() -> None:
    for video in range(400_000, 3_000_000, 50_000):
        line = shares.line(video, 30)
        assert shares.pictures(line, 30, 0.0) == pytest.approx(video, abs=2)


def test_the_least_of_all_lines_holds() -> None:
    wide = Budget(1_000_000, 32_000, 1280, 720, 15, 0.0)
    lossy = Budget(300_000, 24_000, 640, 360, 30, 0.1)
    assert least((wide, lossy)) == Budget(300_000, 24_000, 640, 360, 15, 0.1)
    assert least(()) is None


reports = st.tuples(st.just("report"), st.floats(0, 1), st.floats(0, 1), st.none() | st.floats(0, 5), st.floats(0, 4))
signs = st.lists(
    reports
    | st.tuples(st.just("remb"), st.integers(0, 2**40), st.floats(0, 2))
    | st.tuples(st.just("nacks"), st.integers(0, 500), st.floats(0, 2))
    | st.tuples(st.just("queue"), st.floats(0, 60), st.floats(0, 2)),
    max_size=80,
)


@settings(max_examples=examples(300), deadline=None)
@given(signs, st.integers(1, 5_000_000), st.sampled_from([(1280, 720), (640, 480), (320, 240)]))
def test_whatever_is_reported_the_budget_stays_within_its_bounds(
    heard: list[tuple], most: int, size: tuple[int, int]
) -> None:
    rate, now = control(most, *size), 0.0
    for kind, *values, passed in heard:
        now += passed
        if kind == "report":
            rate.on_report(*values, now)
        elif kind == "remb":
            rate.on_remb(*values, now)
        elif kind == "nacks":
            rate.on_nacks(*values, now)
        else:
            rate.on_queue(*values, now)
        budget = rate.look(now)
        assert shares.LEAST_VIDEO <= budget.video_bps <= max(most, shares.MIN_VIDEO)
        assert budget.audio_bps in (12_000, 20_000, 24_000, 32_000)
        assert (budget.width, budget.height) <= size
        assert 0 <= budget.loss <= 1
        assert budget.fps in (8, 15, 30)


@pytest.mark.long
@settings(max_examples=examples(25), deadline=None)
@given(st.integers(180_000, 3_000_000), st.floats(0, 0.08), st.integers(0, 1000), st.floats(0.01, 0.1))
def test_on_any_steady_line_the_call_settles(cap: int, loss: float, seed: int, delay: float) -> None:
    call = played(Line(steady(cap), steady(loss), delay=delay, seed=seed), 40)
    settled = call.since(15)
    assert statistics.mean(on_the_wire(moment.budget) for moment in settled) < cap * 1.1
    assert p95([moment.queue_s for moment in settled]) < 0.45
    assert steps_a_minute(settled) <= 10


def test_after_a_silence_its_loss_is_not_held_against_the_line() -> None:
    rate = control()
    rate.on_report(0.0, 0.0, 0.03, 1.0)
    before = rate.look(1.0).video_bps
    rate.on_report(0.97, 0.0, 0.03, 1.0 + SILENCE_S + 5)
    assert rate.look(9.0).video_bps >= before


def test_the_other_side_s_own_queue_that_we_measure_is_not_taken_for_ours() -> None:
    """On a thin line both directions begin too fast: what the browser's pictures wait is in our round trip as well."""
    rate, blamed = control(), control()
    for second in range(1, 8):
        for one in (rate, blamed):
            one.on_queue_back(0.3 if one is rate and second > 2 else 0.0)
            one.on_report(0.0, 0.005, 0.03 if second <= 2 else 0.33, float(second))
    assert rate.look(7.0).video_bps > 1_000_000
    assert blamed.figures().cuts_for_queue > 0 == rate.figures().cuts_for_queue


def test_a_rate_measured_too_low_is_not_forgotten_as_a_limit_that_was_passed() -> None:
    """Recorded at 150 kbit/s: 74 % lost, the rest taken for the line's rate; at the floor that had been "passed"."""
    rate = control()
    for now, loss, trip, sent in [(1.0, 0.0, 0.7, 250_000), (1.5, 0.74, 0.73, 120_000), (2.0, 0.5, 0.75, 60_000)]:
        rate.on_sent(sent)
        rate.on_report(loss, 0.02, trip, now)
    for second in range(3, 5):
        rate.on_sent(140_000)
        rate.on_report(0.0, 0.01, 0.03, float(second))
    assert rate.figures().line_bps < 190_000


def test_a_queue_that_drains_does_not_change_the_frame_rate_to_and_fro() -> None:
    """Recorded at 150 kbit/s: 640x480 went from 30 to 15 pictures a second and back with each queue."""
    rate = control(MOST, 640, 480)
    rate.on_report(0.0, 0.0, 0.03, 1.0)
    shapes = []
    for second in range(2, 30):
        rate.on_report(0.0, 0.01, 0.4 if second % 4 < 2 else 0.03, float(second))
        budget = rate.look(second + 0.5)
        shapes.append((budget.height, budget.fps))
    assert sum(one != other for one, other in pairwise(shapes)) <= 1, "what the line is worth is found once"
