"""Key frames: asked for when they are needed, and never so often that a thin line carries nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from device.media.receiving.key_requests import FIRST_S, SILENT_S, STILL_S, KeyRequests, Sight

WELL = Sight(needs_key=False, hurt=False, key_coming=False, packet_at=0.0, picture_at=0.0, heard_at=0.0, wanted=True)


def asks(requests: KeyRequests, sight: Sight, since: float, until: float, flowing: bool = True) -> list[float]:
    """When it asks, if that is how it stays; `flowing`: packets come all the time, and signs of life do."""
    times = []
    for i in range(int((until - since) * 40)):
        now = since + i / 40
        seen = replace(sight, packet_at=now if flowing else sight.packet_at, heard_at=now)
        if not seen.needs_key and flowing and sight.picture_at == sight.packet_at:
            seen = replace(seen, picture_at=now)
        if requests.look(seen, now):
            times.append(now - since)
    return times


def test_nothing_is_asked_while_all_is_well() -> None:
    assert asks(KeyRequests(), WELL, 0, 10) == []


def test_a_stream_that_begins_is_given_half_a_second_for_its_first_key_frame() -> None:
    beginning = replace(WELL, needs_key=True, picture_at=None)
    times = asks(KeyRequests(), beginning, 5, 10)
    assert FIRST_S <= times[0] < FIRST_S + 0.1
    assert len(times) <= 5


def test_before_the_first_packet_there_is_nobody_to_ask() -> None:
    sight = replace(WELL, needs_key=True, packet_at=None, picture_at=None)
    assert asks(KeyRequests(), sight, 0, 10, flowing=False) == []


def test_after_a_loss_it_asks_at_once_and_then_once_a_second() -> None:
    times = asks(KeyRequests(), replace(WELL, needs_key=True, hurt=True), 3, 8)
    assert times[0] == 0
    assert times[1] >= FIRST_S
    assert 4 <= len(times) <= 6


def test_while_a_key_frame_is_coming_in_slowly_it_waits() -> None:
    requests = KeyRequests()
    hurt = replace(WELL, needs_key=True, hurt=True)
    assert requests.look(replace(hurt, packet_at=1.0), 1.0)
    coming = asks(requests, replace(hurt, key_coming=True), 1.0, 2.9)
    assert coming == []


def test_losses_in_a_row_do_not_ask_more_than_twice_a_second() -> None:
    requests = KeyRequests()
    count = 0
    for i in range(100):  # ten a second, each mended at once
        now = i / 10
        count += requests.look(replace(WELL, needs_key=True, hurt=True, packet_at=now, heard_at=now), now)
        requests.look(replace(WELL, packet_at=now, picture_at=now, heard_at=now), now + 0.05)
    assert count <= 21
    assert count == requests.count


def test_packets_that_never_become_a_picture_are_reason_to_ask() -> None:
    times = asks(KeyRequests(), replace(WELL, picture_at=-0.5), 0, 4)
    assert times
    assert STILL_S - 0.5 <= times[0] <= STILL_S


def test_silence_of_the_pictures_while_others_are_heard_is_reason_to_ask_but_not_if_the_camera_is_off() -> None:
    times = asks(KeyRequests(), WELL, 0, 6, flowing=False)
    assert SILENT_S <= times[0] < SILENT_S + 0.1
    assert len(times) <= 6
    assert asks(KeyRequests(), replace(WELL, wanted=False), 0, 6, flowing=False) == []


def test_a_line_that_is_dead_altogether_is_not_asked() -> None:
    requests = KeyRequests()
    assert not any(requests.look(WELL, now / 10) for now in range(100))


@given(
    st.lists(
        st.tuples(
            st.floats(0.001, 1.0),
            st.builds(
                Sight,
                st.booleans(),
                st.booleans(),
                st.booleans(),
                st.none() | st.floats(0, 50),
                st.none() | st.floats(0, 50),
                st.none() | st.floats(0, 50),
                st.booleans(),
            ),
        ),
        max_size=100,
    )
)
def test_whatever_is_seen_it_never_asks_twice_in_half_a_second(steps: list[tuple[float, Sight]]) -> None:
    requests, now, last = KeyRequests(), 0.0, float("-inf")
    for step, sight in steps:
        now += step
        if requests.look(sight, now):
            assert now - last >= FIRST_S
            last = now
