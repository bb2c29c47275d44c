"""What is asked over the control channel is read strictly, done so often, and a still leaves beside the picture."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest
from aiortc.exceptions import InvalidStateError
from hypothesis import given
from hypothesis import strategies as st

from device.call.peer_control import (
    Follow,
    Look,
    TakeStill,
    UseCamera,
    no_still_message,
    read_control,
    view_message,
)
from device.call.peer_looking import MOST_A_SECOND, Allowance
from device.call.peer_still import LEAST_BPS, MOST_BPS, PIECE, TIMEOUT_S, StillChannel, pace
from device.hardware.ports import Crop
from device.media.closer import Seeing, Still
from messaging.errors import MessageError
from tests.kits.clock import ManualClock

numbers = st.one_of(st.floats(allow_nan=True), st.integers(), st.booleans(), st.none(), st.text(max_size=5))


def said(**message: object) -> str:
    return json.dumps(message)


def test_what_is_asked_is_read() -> None:
    assert read_control(said(type="look", x=0.1, y=1, size=0.5)) == Look(0.1, 1.0, 0.5)
    assert read_control(said(type="follow", on=False)) == Follow(False)
    assert read_control(said(type="camera", which="examination")) == UseCamera("examination")
    assert read_control(said(type="still")) == TakeStill()


@pytest.mark.parametrize(
    "message",
    [
        {"type": "look", "x": 0.5, "y": 0.5},
        {"type": "look", "x": -0.1, "y": 0.5, "size": 0.5},
        {"type": "look", "x": 0.5, "y": 1.1, "size": 0.5},
        {"type": "look", "x": 0.5, "y": 0.5, "size": float("nan")},
        {"type": "look", "x": "0.5", "y": 0.5, "size": 0.5},
        {"type": "follow", "on": 1},
        {"type": "follow"},
        {"type": "camera", "which": "bathroom"},
        {"type": "camera"},
    ],
)
def test_what_is_no_wish_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(MessageError):
        read_control(json.dumps(message))


@given(numbers, numbers, numbers)
def test_whatever_is_asked_a_look_is_a_part_of_the_picture_or_refused(x: object, y: object, size: object) -> None:
    try:
        look = read_control(json.dumps({"type": "look", "x": x, "y": y, "size": size}))
    except MessageError:
        return
    assert isinstance(look, Look)
    assert all(0 <= share <= 1 for share in (look.x, look.y, look.size))
    crop = Crop(look.x, look.y, look.size).inside()
    assert crop.x - crop.size / 2 >= -1e-9
    assert crop.y + crop.size / 2 <= 1 + 1e-9


def test_what_the_page_is_told() -> None:
    seeing = Seeing(Crop(0.25, 0.5, 0.5), True, False, "dark", True, "room", ("room", "examination"))
    assert json.loads(view_message(seeing)) == {
        "type": "view", "crop": {"x": 0.25, "y": 0.5, "size": 0.5}, "by_hand": True, "following": False, "lens": "dark",
        "brightened": True, "camera": "room", "cameras": ["room", "examination"], "zoom": True, "still": True,
    }  # fmt: skip
    assert json.loads(no_still_message("busy")) == {"type": "still", "error": "busy"}


@given(st.lists(st.floats(0, 2), max_size=200))
def test_no_more_than_so_many_in_any_second(pauses: list[float]) -> None:
    allowance, now, taken = Allowance(MOST_A_SECOND), 100.0, []
    for pause in pauses:
        now += pause
        if allowance.take(now):
            taken.append(now)
    for moment in taken:
        assert sum(moment <= other < moment + 1 for other in taken) <= 2 * MOST_A_SECOND
    assert len(taken) <= MOST_A_SECOND * (1 + sum(pauses))


def test_who_asks_at_a_drag_s_pace_is_never_refused() -> None:
    allowance = Allowance(MOST_A_SECOND)
    assert all(allowance.take(50 + n / 11) for n in range(200))


@given(st.one_of(st.none(), st.integers(0, 10_000_000)), st.integers(100_000, 8_000_000))
def test_a_still_takes_no_more_than_half_of_a_line_that_is_full(picture: int | None, best: int) -> None:
    bits = pace(picture, best)
    assert LEAST_BPS <= bits <= MOST_BPS
    if picture is not None and picture < best / 2:
        assert bits <= max(LEAST_BPS, picture / 2)


class PaperChannel:
    """A data channel that keeps what is sent until it is drained."""

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.bufferedAmount = 0
        self.transport = SimpleNamespace(transport=SimpleNamespace(state="connected"))
        self._listen = lambda: None

    def on(self, _event: str, listen) -> None:
        self._listen = listen

    def send(self, data: str | bytes) -> None:
        self.sent.append(data)
        self.bufferedAmount += len(data)

    def drain(self) -> None:
        self.bufferedAmount = 0
        self._listen()


def still(size: int) -> Still:
    return Still(np.arange(size, dtype=np.uint32).astype(np.uint8), 640, 480)


async def test_a_piece_waits_for_the_one_before_and_for_its_time() -> None:
    channel, clock, picture = PaperChannel(), ManualClock(), still(3 * PIECE + 5)
    sending = asyncio.create_task(StillChannel(channel, clock, lambda: 8 * PIECE).send(picture))  # type: ignore[arg-type]
    await clock.advance(0)
    assert [json.loads(text) for text in channel.sent if isinstance(text, str)] == [
        {"id": 1, "bytes": 3 * PIECE + 5, "width": 640, "height": 480}
    ]
    await clock.advance(10)
    assert len(channel.sent) == 1, "the line has not taken even the header"
    for pieces in (2, 3, 4):
        channel.drain()
        await clock.advance(0.01)
        await clock.advance(1)
        assert len(channel.sent) == pieces
    channel.drain()
    await clock.advance(1)
    await sending
    assert b"".join(piece for piece in channel.sent if isinstance(piece, bytes)) == picture.data.tobytes()
    assert max(len(piece) for piece in channel.sent) == PIECE


async def test_nothing_is_said_on_a_connection_that_the_browser_has_left() -> None:
    channel = PaperChannel()
    channel.transport.transport.state = "closed"
    with pytest.raises(InvalidStateError):
        await StillChannel(channel, ManualClock(), lambda: 1).send(still(5))  # type: ignore[arg-type]
    assert channel.sent == []


async def test_a_line_that_takes_nothing_does_not_hold_a_still_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.call.peer_still.TIMEOUT_S", 0.01)
    assert TIMEOUT_S > 60
    with pytest.raises(TimeoutError):
        await StillChannel(PaperChannel(), ManualClock(), lambda: 1).send(still(5))  # type: ignore[arg-type]
