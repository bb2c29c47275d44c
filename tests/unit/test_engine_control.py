"""The control channel's messages, and whether the other side is there."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.call.peer_control import (
    BYE,
    LOST_S,
    MAX_BYTES,
    PING,
    Bye,
    Liveness,
    MediaState,
    Ping,
    media_message,
    read_control,
)
from messaging.errors import MalformedMessage, MessageError, OversizedMessage


def test_what_we_write_can_be_read() -> None:
    assert read_control(PING) == Ping()
    assert read_control(BYE.encode()) == Bye()
    assert read_control(media_message(camera=False, microphone=True)) == MediaState(False, True)


def test_a_newer_peer_may_say_more() -> None:
    assert read_control('{"type":"ping","at":12}') == Ping()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", "{}", '{"type":7}', '{"type":"dance"}', '{"type":"media","camera":1,"microphone":true}'],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_control(text)


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(OversizedMessage):
        read_control(json.dumps({"type": "ping", "x": "y" * MAX_BYTES}))


@given(st.one_of(st.text(), st.binary()))
def test_anything_is_a_message_or_a_message_error(data: str | bytes) -> None:
    with contextlib.suppress(MessageError):
        read_control(data)


def test_connected_lost_and_back() -> None:
    liveness = Liveness()
    assert liveness.look(100.0) is None, "who has never been heard is not lost"
    assert not liveness.connected
    assert liveness.heard(100.0) == "connected"
    assert liveness.heard(100.1) is None
    assert liveness.look(100.1 + LOST_S - 0.01) is None
    assert liveness.look(100.1 + LOST_S) == "lost"
    assert liveness.look(200.0) is None, "told once"
    assert liveness.heard(201.0) == "back"
    assert liveness.lose() == "lost"
    assert liveness.lose() is None
    assert liveness.connected


@given(st.lists(st.tuples(st.sampled_from(["hear", "look", "lose"]), st.floats(0, 10)), max_size=50))
def test_signs_always_alternate_and_begin_with_connected(steps: list[tuple[str, float]]) -> None:
    liveness, now, signs = Liveness(), 0.0, []
    last_heard = None
    for step, passed in steps:
        now += passed
        if step == "hear":
            sign, last_heard = liveness.heard(now), now
        else:
            sign = liveness.look(now) if step == "look" else liveness.lose()
            if step == "look" and sign == "lost":
                assert last_heard is not None
                assert now - last_heard >= LOST_S
        if sign:
            signs.append(sign)
    assert signs == (["connected"] + ["lost", "back"] * len(signs))[: len(signs)]
