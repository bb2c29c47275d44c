"""Lost packets: asked for at once, again, not too often, and not when it is too late."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from device.media.receiving.losses import MOST_ASKS, MOST_IN_ONE, PATIENCE_S, LossTracker
from device.media.receiving.serial import RESTART


def feed(tracker: LossTracker, numbers: list[int], start: float = 0.0, gap: float = 0.001) -> float:
    """Packets one after the other; the time of the last."""
    now = start
    for number in numbers:
        tracker.take(number & 0xFFFF, now, repair=False)
        now += gap
    return now - gap


def asks(tracker: LossTracker, since: float, until: float, step: float = 0.005) -> list[tuple[float, list[int]]]:
    """When it asks for what, if nothing comes."""
    found = []
    now = since
    while now < until:
        if numbers := tracker.due(now):
            found.append((round(now - since, 3), numbers))
        now += step
    return found


def measure(tracker: LossTracker, trip: float) -> float:
    """Let it learn the round trip from ten losses, each answered after so long; the time now."""
    now = 0.0
    for i in range(0, 20, 2):
        tracker.take(980 + i, now, repair=False)
        tracker.take(982 + i, now, repair=False)
        answered = now + trip
        while now < answered:
            tracker.due(now)
            now += 0.005
        tracker.take(981 + i, now, repair=True)
    return now


def test_a_lost_packet_is_asked_for_as_soon_as_the_next_one_has_come() -> None:
    tracker = LossTracker()
    now = feed(tracker, [1, 2, 4])
    assert tracker.due(now) == [3]
    assert tracker.due(now) == [], "once"
    assert (tracker.expected, tracker.lost, tracker.asked) == (4, 1, 1)


def test_it_is_asked_for_again_after_a_round_trip_while_it_could_come_in_time() -> None:
    tracker = LossTracker()
    now = feed(tracker, [1000, 1002], start=measure(tracker, 0.05))
    times = [at for at, numbers in asks(tracker, now, now + 2) if numbers == [1001]]
    assert times[0] == 0
    assert 3 <= len(times) <= MOST_ASKS
    assert all(0.05 <= later - earlier <= 0.2 for earlier, later in itertools.pairwise(times))
    assert times[-1] <= PATIENCE_S - 0.05, "an answer would come too late"
    assert tracker.missing == 0, "it is given up, and nothing is kept of it"


def test_on_a_long_line_it_waits_longer_before_it_asks_again() -> None:
    tracker = LossTracker()
    start = measure(tracker, 0.35)
    assert abs(tracker.round_trip - 0.35) < 0.05
    assert 0.8 < tracker.patience <= 1, "and a retransmission may take as long as it must"
    now = feed(tracker, [1000, 1002], start=start)
    times = [at for at, _ in asks(tracker, now, now + 2)]
    assert times[0] == 0
    assert all(at > 0.35 for at in times[1:])


def test_a_packet_that_only_came_late_teaches_it_to_wait_that_long() -> None:
    tracker = LossTracker()
    now = 0.0
    for i in range(0, 400, 4):
        for number in (i, i + 2, i + 1, i + 3):  # 5 ms apart
            tracker.take(number, now, repair=False)
            tracker.due(now)
            now += 0.005
    assert tracker.asked < 10
    assert tracker.lost == 0, "a late packet is no lost one"

    for i in range(400, 800, 2):
        tracker.take(i, now, repair=False)
        late = now
        asked_at = next((late + k / 1000 for k in range(60) if tracker.due(late + k / 1000)), None)
        now += 0.1
    assert asked_at is not None
    assert asked_at - late < 0.001, "when packets are truly lost again it does not wait any more"


def test_what_comes_when_asked_for_is_counted_as_recovered() -> None:
    tracker = LossTracker()
    now = feed(tracker, [1, 5])
    assert tracker.due(now) == [2, 3, 4]
    for number in (2, 4):
        tracker.take(number, now + 0.03, repair=True)
    tracker.take(4, now + 0.04, repair=True)
    assert (tracker.lost, tracker.recovered, tracker.missing) == (3, 2, 1)


def test_numbers_wrap_around() -> None:
    tracker = LossTracker()
    now = feed(tracker, [0xFFFD, 0x10001])
    assert tracker.due(now) == [0xFFFE, 0xFFFF, 0]
    assert tracker.expected == 5


def test_a_large_jump_is_a_new_sequence_and_nothing_is_asked_for() -> None:
    for jump in (RESTART + 10, -RESTART - 10, 0x8000):
        tracker = LossTracker()
        now = feed(tracker, [30_000, 30_000 + jump])
        assert asks(tracker, now, now + 1) == []


def test_a_gap_that_is_too_long_to_mend_packet_by_packet_is_not_asked_for() -> None:
    tracker = LossTracker()
    now = feed(tracker, [0, 1000])
    assert tracker.due(now) == []
    assert tracker.lost == 999


def test_what_a_key_frame_has_made_useless_is_not_asked_for_again() -> None:
    tracker = LossTracker()
    now = feed(tracker, [0xFFF0, 0xFFF5, 3, 5])
    tracker.give_up_before(4)
    assert tracker.due(now) == [4]


def test_no_more_is_asked_for_at_once_than_senders_keep() -> None:
    tracker = LossTracker()
    now = feed(tracker, [0, 200])
    assert len(tracker.due(now)) == MOST_IN_ONE
    assert len(tracker.due(now)) == 199 - MOST_IN_ONE


@given(
    st.lists(st.tuples(st.integers(0, 0xFFFF) | st.integers(0, 300), st.floats(0, 0.2), st.booleans()), max_size=150)
)
def test_no_sequence_of_numbers_breaks_it_or_makes_it_grow(packets: list[tuple[int, float, bool]]) -> None:
    tracker = LossTracker()
    now = 0.0
    seen: dict[int, int] = {}
    for number, step, repair in packets:
        now += step
        tracker.take(number, now, repair)
        due = tracker.due(now)
        assert len(due) <= MOST_IN_ONE
        assert number not in due
        assert tracker.missing <= 256
        assert 0 <= tracker.lost <= tracker.expected
        assert PATIENCE_S <= tracker.patience <= 1.0
        for asked in due:
            seen[asked] = seen.get(asked, 0) + 1
    tracker.due(now + 2)
    assert tracker.missing == 0


@given(st.sets(st.integers(1, 98)), st.integers(0, 0xFFFF))
def test_every_lost_packet_is_asked_for_and_no_other(lost: set[int], first: int) -> None:
    tracker = LossTracker()
    asked: set[int] = set()
    for i in range(100):
        if i not in lost:
            tracker.take((first + i) & 0xFFFF, i * 0.001, repair=False)
            asked.update(tracker.due(i * 0.001))
    assert asked == {(first + i) & 0xFFFF for i in lost}
    assert (tracker.expected, tracker.lost) == (100, len(lost))


def test_a_round_trip_that_is_known_otherwise_holds_from_the_first_loss() -> None:
    tracker = LossTracker()
    tracker.tell_round_trip(0.02)
    now = feed(tracker, [1, 3])
    short = [at for at, _ in asks(tracker, now, now + 2)]
    assert len(short) == MOST_ASKS
    assert short[-1] < 0.2

    tracker.tell_round_trip(0.3)
    now = feed(tracker, [4, 6], start=now + 2)
    long = [at for at, _ in asks(tracker, now, now + 2)]
    assert len(long) == 2
    assert long[1] > 0.3


def test_when_no_answer_ever_came_there_is_still_time_for_a_second_question() -> None:
    tracker = LossTracker()
    now = 0.0
    for i in range(0, 40, 4):
        now = feed(tracker, [i, i + 2], start=now)
        times = [at for at, numbers in asks(tracker, now, now + tracker.patience - 0.01) if i + 1 in numbers]
        assert len(times) >= 2, "the first answer is always lost"
        now += times[1] + 0.02
        tracker.take(i + 1, now, repair=True)
