"""The play-out buffer: what a listener would notice, on lines of every kind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.hardware.ports import BLOCK, SAMPLE_RATE
from device.media.playout import Playout
from device.media.playout.packets import MOST
from tests.kits.examples import examples
from tests.kits.media.sound import (
    FRAME,
    FRAME_S,
    Hearing,
    Sent,
    encoded,
    intelligibility,
    jittered,
    lag,
    said,
    sent,
    steepest,
)

STEP = steepest(said(4))  # the steepest there is in what was sent
CODEC_MS = 6.5  # Opus's own


def heard_after_ms(seconds: int, heard: np.ndarray) -> float:
    """How long after it came sound was played."""
    return lag(said(seconds), heard) / SAMPLE_RATE * 1000 - CODEC_MS


def without(packets: list[Sent], begin: float, end: float) -> list[Sent]:
    return [replace(p, comes=None) if begin <= p.sent < end else p for p in packets]


def queued(packets: list[Sent], begin: float, end: float) -> list[Sent]:
    """A line that stands still from `begin` to `end`, and then brings all at once."""
    return [replace(p, comes=max(p.sent, end)) if p.sent >= begin else p for p in packets]


def silent_for(heard: np.ndarray) -> float:
    """The longest stretch of silence, in seconds."""
    quiet = np.abs(heard.reshape(-1, BLOCK).astype(int)).max(axis=1) < 30
    return max((len(list(run)) for still, run in itertools.groupby(quiet) if still), default=0) / 100


def test_on_a_calm_line_sound_is_heard_whole_and_sooner_than_in_sixty_milliseconds() -> None:
    hearing = Hearing()
    heard = hearing.listen(sent(encoded(4)), 4)
    figures = hearing.playout.figures()
    assert intelligibility(said(4), heard) > 0.99
    assert 15 <= heard_after_ms(4, heard) <= 40
    assert figures.delay_ms == pytest.approx(heard_after_ms(4, heard), abs=6), "what is told is what is heard"
    assert (figures.received, figures.lost, figures.concealed_ms) == (200, 0, 0)
    assert (figures.shortened_ms, figures.lengthened_ms) == (0, 0)
    assert steepest(heard) <= 1.1 * STEP


def test_a_lost_packet_is_repaired_from_the_next_and_costs_no_time() -> None:
    packets = [replace(p, comes=None) if i % 10 == 5 else p for i, p in enumerate(sent(encoded(8)))]
    hearing = Hearing()
    heard = hearing.listen(packets, 8)
    figures = hearing.playout.figures()
    assert figures.lost == pytest.approx(40, abs=1)
    assert figures.repaired >= 28, "all that Opus put a repair into"
    assert heard_after_ms(8, heard) < 60
    assert steepest(heard) <= 1.3 * STEP


def test_what_cannot_be_repaired_is_concealed_without_a_click() -> None:
    hearing = Hearing()
    heard = hearing.listen(without(sent(encoded(4, fec=False)), 1.1, 1.12), 4)
    figures = hearing.playout.figures()
    assert (figures.lost, figures.repaired) == (1, 0)
    assert 10 <= figures.concealed_ms <= 30
    gap = heard[round(1.13 * SAMPLE_RATE) : round(1.14 * SAMPLE_RATE)]
    assert np.abs(gap.astype(int)).max() > 500, "the gap is filled"
    assert steepest(heard) <= 1.2 * STEP


def test_when_nothing_comes_any_more_the_sound_fades_within_two_tenths_of_a_second() -> None:
    hearing = Hearing()
    heard = hearing.listen(sent(encoded(2)), 3)
    assert not heard[round(2.25 * SAMPLE_RATE) :].any()
    assert steepest(heard) <= 1.2 * STEP


@pytest.mark.parametrize("line", [without, queued])
def test_after_two_seconds_without_a_line_the_call_goes_on_and_does_not_lag_behind_itself(line) -> None:
    hearing = Hearing()
    heard = hearing.listen(line(sent(encoded(8)), 2.0, 4.0), 8)
    after = heard[4 * SAMPLE_RATE :]
    assert np.abs(after[: SAMPLE_RATE // 4].astype(int)).max() > 1000, "heard again at once"
    assert hearing.figures[-1].delay_ms < 60
    assert hearing.figures[5].delay_ms < 60, "caught up within two seconds"
    assert intelligibility(said(8)[6 * SAMPLE_RATE :], heard[6 * SAMPLE_RATE :], 0) > 0.95
    assert steepest(heard) <= 1.3 * STEP
    figures = hearing.playout.figures()
    missing = figures.unheard_ms + figures.skipped_ms + figures.shortened_ms + figures.concealed_ms
    assert missing == pytest.approx(2000, abs=250), "and what was missed is told"


def test_the_delay_follows_a_line_that_grows_worse_and_better() -> None:
    rough = jittered(sent(encoded(24)), 0.1, 0.08)
    line = [p if 6 < p.sent < 12 else replace(p, comes=p.sent) for p in rough]
    hearing = Hearing()
    heard = hearing.listen(line, 24)
    calm, worse, calm_again = (hearing.figures[i] for i in (5, 11, 23))
    assert calm.delay_ms < 40
    assert 100 < worse.delay_ms < 250
    assert calm_again.delay_ms < 60
    assert worse.lost - hearing.figures[7].lost <= 8, "two seconds on, of the 200 of four more, nearly all are in time"
    assert steepest(heard) <= 1.3 * STEP


def test_packets_out_of_order_and_twice_are_played_in_order_and_once() -> None:
    packets = sent(encoded(4))
    mixed = [replace(p, comes=p.sent + (0.03 if i % 3 == 1 else 0.0)) for i, p in enumerate(packets)]
    doubled = mixed + [replace(p, comes=(p.comes or 0) + 0.001) for p in mixed[::5]]
    hearing = Hearing()
    heard = hearing.listen(doubled, 4)
    figures = hearing.playout.figures()
    assert intelligibility(said(4), heard) > 0.98
    assert figures.duplicates + figures.late >= 40
    assert figures.lost == figures.repaired <= 6, "only while the line was being learnt, and repaired"


def test_a_senders_pause_is_quiet_and_no_loss() -> None:
    pause = (2.0, 4.0)
    packets = encoded(8, dtx=True, pause=pause)
    # As a browser sends in a pause: only the first of those that say so; numbers without a gap, timestamps with one.
    spoken = [p for before, p in itertools.pairwise(sent(packets)) if len(p.data) > 2 or len(before.data) > 2]
    line = [replace(p, number=i) for i, p in enumerate(spoken)]
    assert len(line) < 330
    hearing = Hearing()
    heard = hearing.listen(line, 8)
    figures = hearing.playout.figures()
    assert (figures.lost, figures.repaired, figures.unheard_ms) == (0, 0, 0)
    assert figures.concealed_ms <= 40
    assert intelligibility(said(8, pause), heard) > 0.95
    assert steepest(heard) <= 1.1 * STEP


class ReadyDecoder:
    """Decodes at no cost what says which packet of the repeated speech it is, so that an hour takes seconds."""

    _SOUND = said(4).reshape(-1, FRAME)

    @staticmethod
    def packet(number: int) -> bytes:
        """The first byte says 20 ms, as Opus does; three, that the sender is not pausing."""
        return bytes((0x78, number % 200, 0))

    def decode(self, packet: bytes) -> np.ndarray:
        return self._SOUND[packet[1]]

    def repair(self, next_packet: bytes, samples: int) -> np.ndarray:
        return self.conceal(samples)

    def conceal(self, samples: int) -> np.ndarray:
        return np.zeros(samples, np.int16)

    def reset(self) -> None: ...


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("millionths", [-300, 300])
def test_an_hour_of_clocks_that_differ_stays_at_the_target_and_loses_nothing(millionths: int) -> None:
    drift = millionths / 1e6
    now, next_packet, delays, steps, second = 0.0, 0, [], 0, [np.zeros(BLOCK, np.int16)]
    playout = Playout(lambda: now, ReadyDecoder())
    for block in range(360_000):
        ask = block * 0.01
        while next_packet * FRAME_S / (1 + drift) <= ask:
            now = next_packet * FRAME_S / (1 + drift)
            playout.insert(ReadyDecoder.packet(next_packet), next_packet & 0xFFFF, next_packet * FRAME % (1 << 32))
            next_packet += 1
        now = ask
        second.append(playout.next_block())
        if block > 100 and block % 100 == 0:
            delays.append(playout.figures().delay_ms)
            steps, second = max(steps, steepest(np.concatenate(second))), second[-1:]
    figures = playout.figures()
    assert figures.lost == figures.late == figures.skipped_ms == 0
    assert figures.concealed_ms <= 20
    assert min(delays) > 5
    assert max(delays) < 60
    changed = figures.shortened_ms - figures.lengthened_ms
    assert changed == pytest.approx(3_600_000 * drift, abs=40)
    assert steps <= 1.3 * STEP


def bursts(blocks: int) -> Iterator[float]:
    """A speaker that asks for several blocks at once."""
    for at in itertools.count(0, blocks):
        for _ in range(blocks):
            yield at / 100


@pytest.mark.parametrize("blocks", [2, 4])
def test_a_speaker_that_asks_in_bursts_is_never_left_without(blocks: int) -> None:
    hearing = Hearing()
    heard = hearing.listen(sent(encoded(6)), 6, bursts(blocks))
    assert hearing.playout.figures().concealed_ms <= 20
    assert intelligibility(said(6), heard, 2) > 0.98


def test_a_speaker_that_stood_still_for_a_second_is_not_behind_afterwards() -> None:
    def asks() -> Iterator[float]:
        for block in itertools.count():
            yield block / 100 + (1.0 if block >= 200 else 0.0)

    hearing = Hearing()
    heard = hearing.listen(sent(encoded(8)), 6, asks())
    assert hearing.figures[-1].delay_ms < 60
    assert silent_for(heard[2 * SAMPLE_RATE : 3 * SAMPLE_RATE]) < 0.35
    assert steepest(heard) <= 1.3 * STEP
    assert hearing.playout.figures().lost == 0, "it was left out here, not lost on the way"


def test_another_sender_is_followed_at_once() -> None:
    hearing = Hearing()
    hearing.listen(sent(encoded(1)), 1)
    for i, data in enumerate(encoded(1)):
        hearing.playout.insert(data, i, 123_456_789 + i * FRAME, source=8)
        hearing.now += FRAME_S
        blocks = hearing.playout.next_block(), hearing.playout.next_block()
    assert blocks[0].any()
    assert hearing.playout.figures().delay_ms < 60


def test_a_sender_whose_clock_jumps_is_followed_at_once() -> None:
    early, late = sent(encoded(2)), sent(encoded(2), start=5_000_000)
    jumped = [replace(p, comes=(p.comes or 0) + 2, sent=p.sent + 2) for p in late]
    hearing = Hearing()
    heard = hearing.listen(early + jumped, 4)
    assert silent_for(heard[round(2.1 * SAMPLE_RATE) :]) < 0.4
    assert hearing.figures[-1].delay_ms < 60


def test_reset_is_silence_at_once_and_what_comes_next_is_heard() -> None:
    hearing = Hearing()
    hearing.listen(sent(encoded(1)), 1)
    hearing.playout.reset()
    assert not hearing.playout.next_block().any()
    assert hearing.playout.figures().buffered_ms == 0
    more = [replace(p, comes=p.sent + hearing.now, sent=p.sent + hearing.now) for p in sent(encoded(1))]
    assert hearing.listen(more, 1).any()


def test_what_is_no_opus_is_refused_and_heard_by_nobody() -> None:
    hearing = Hearing()
    packets = sent(encoded(4))
    broken = [replace(p, data=b"\x7b\xff\xff") if i % 20 == 10 else p for i, p in enumerate(packets)]
    broken += [replace(p, data=b"", comes=p.sent + 0.005) for p in packets[::10]]
    heard = hearing.listen(broken, 4)
    assert hearing.playout.figures().refused >= 20
    assert intelligibility(said(4), heard) > 0.8
    assert steepest(heard) <= 2 * STEP


packet_steps = st.tuples(
    st.sampled_from(("packet",)),
    st.one_of(st.integers(-5, 20), st.integers(0, 0xFFFF)),
    st.one_of(st.integers(-5, 20).map(lambda i: i * FRAME), st.integers(0, (1 << 32) - 1)),
    st.one_of(st.integers(0, 49), st.binary(max_size=12)),
)
other_steps = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 30)),
    st.tuples(st.just("wait"), st.floats(0, 3)),
    st.tuples(st.just("reset")),
)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.one_of(packet_steps, other_steps), max_size=80))
def test_whatever_comes_whenever_every_block_is_ten_milliseconds_and_little_is_kept(steps: list[tuple]) -> None:
    hearing = Hearing()
    speech = encoded(1)
    for step in steps:
        match step:
            case ("packet", number, timestamp, data):
                packet = speech[data] if isinstance(data, int) else data
                hearing.playout.insert(packet, number & 0xFFFF, timestamp % (1 << 32), 1)
            case ("ask", count):
                for _ in range(count):
                    hearing.now += 0.01
                    block = hearing.playout.next_block()
                    assert block.shape == (BLOCK,)
                    assert block.dtype == np.int16
                    assert len(hearing.playout._sound) <= 3 * 5760
            case ("wait", seconds):
                hearing.now += seconds
            case ("reset",):
                hearing.playout.reset()
        figures = hearing.playout.figures()
        assert min(vars(figures).values()) >= 0
    assert hearing.playout.figures().buffered_ms <= MOST * 120 + 400


@settings(max_examples=examples(25), deadline=None)
@given(
    st.lists(st.floats(0, 0.25), min_size=150, max_size=150),
    st.sets(st.integers(1, 149), max_size=40),
    st.booleans(),
)
def test_however_late_and_lossy_no_click_and_no_more_delay_than_the_line_needs(
    lateness: list[float], lost: set[int], fec: bool
) -> None:
    packets = [
        replace(p, comes=None if i in lost else p.sent + late)
        for i, (p, late) in enumerate(zip(sent(encoded(3, fec)), lateness, strict=True))
    ]
    hearing = Hearing()
    heard = hearing.listen(packets, 3)
    assert steepest(heard) <= 2.5 * STEP
    assert all(figures.delay_ms < 750 for figures in hearing.figures)


def test_silence_before_anything_comes() -> None:
    playout = Playout(lambda: 0.0)
    assert not any(playout.next_block().any() for _ in range(20))
    assert playout.figures().concealed_ms == 0
