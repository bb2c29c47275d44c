"""Looking closer, at the station's side: which camera is open, what is told, what becomes of a still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.errors import DeviceFailed, DeviceMissing
from device.hardware.ports import WHOLE, CameraMode, Crop, Frame, OnFault, OnFrame
from device.media import closer as closer_module
from device.media.cameras import Cameras
from device.media.closer import SHOWN_S, Closer
from device.media.devices import DeviceSet
from device.media.errors import NoStill
from device.media.viewing.jpeg import as_jpeg
from device.media.viewing.room import RoomView
from messaging.call import DeviceState
from messaging.settings import CameraPolicy
from tests.kits.clock import ManualClock

MODE = CameraMode(64, 48, 30)


def picture(shade: int = 120, width: int = 64, height: int = 48) -> Frame:
    i420 = np.full((height * 3 // 2, width), 128, np.uint8)
    i420[:height] = shade
    return Frame(i420, width, height, 1.0)


class PaperCamera:
    """A camera that remembers what it was told."""

    def __init__(self) -> None:
        self.there: DeviceState = "ok"
        self.opens = True
        self.is_open = False
        self.zooms: list[Crop] = []
        self.full = picture(200, 640, 480)
        self.on_fault: OnFault | None = None

    def presence(self) -> DeviceState:
        return self.there

    def modes(self) -> tuple[CameraMode, ...]:
        return ()

    def open(self, mode: CameraMode, on_frame: OnFrame, on_fault: OnFault) -> None:
        if self.there == "missing":
            raise DeviceMissing("gone")
        if not self.opens:
            raise DeviceFailed("in use")
        self.is_open, self.on_fault = True, on_fault

    def zoom(self, crop: Crop) -> None:
        self.zooms.append(crop)

    def capture_still(self, timeout_s: float = 5.0) -> Frame:
        if not self.is_open:
            raise DeviceFailed("not open")
        return self.full

    def close(self) -> None:
        self.is_open = False


class Speechless:
    """Microphone and speaker: nothing of them matters here."""

    def presence(self) -> DeviceState:
        return "ok"

    def close(self) -> None:
        pass


class Room:
    """Cameras of paper, a closer, and what it told."""

    def __init__(self, second: bool = True) -> None:
        self.clock = ManualClock()
        self.room, self.second = PaperCamera(), PaperCamera()
        self.cameras = Cameras(self.room, self.second if second else None)
        self.view = RoomView(self.clock.monotonic)
        self.told: list[str] = []

        def open_camera(on_fault: Callable[[str], None]) -> None:
            self.cameras.open(MODE, lambda _: None, on_fault)
            self.closer.opened()

        nothing = Speechless()
        self.devices = DeviceSet(
            {"camera": self.cameras, "microphone": nothing, "speaker": nothing},
            {"camera": open_camera, "microphone": lambda on_fault: None, "speaker": lambda on_fault: None},
            self.clock.monotonic, self.clock, lambda _: None,
        )  # fmt: skip
        self.closer = Closer(
            self.cameras, self.view, self.devices, self.clock, lambda: self.told.append(self.closer.looking)
        )

    async def __aenter__(self) -> Room:
        self.closer.begin()
        await self.devices.want("camera")
        await self.closer.find_cameras()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.devices.release("camera")
        self.closer.end()


class TestCameras:
    def test_a_camera_that_was_shut_for_whatever_reason_leaves_the_room_s_as_the_next(self) -> None:
        room, second = PaperCamera(), PaperCamera()
        cameras = Cameras(room, second)
        cameras.choose("examination")
        cameras.open(MODE, lambda _: None, lambda _: None)
        assert (room.is_open, second.is_open) == (False, True)
        cameras.close()
        cameras.open(MODE, lambda _: None, lambda _: None)
        assert (room.is_open, second.is_open) == (True, False)

    @pytest.mark.parametrize("there", ["ok", "missing"])
    def test_a_second_camera_that_does_not_open_is_no_loss_of_the_room(self, there: DeviceState) -> None:
        room, second = PaperCamera(), PaperCamera()
        second.there, second.opens = there, False
        cameras = Cameras(room, second)
        cameras.choose("examination")
        cameras.open(MODE, lambda _: None, lambda _: None)
        assert room.is_open
        assert cameras.which == "room"

    def test_a_station_with_one_camera_has_no_other_to_choose(self) -> None:
        cameras = Cameras(PaperCamera(), None)
        assert cameras.there() == ("room",)
        with pytest.raises(DeviceMissing):
            cameras.choose("examination")
        assert cameras.which == "room"

    def test_nothing_that_is_shut_is_zoomed(self) -> None:
        room = PaperCamera()
        Cameras(room, None).zoom(Crop(0.5, 0.5, 0.5))
        assert room.zooms == []


async def test_with_the_camera_shut_nothing_is_opened_shown_or_taken() -> None:
    room = Room()
    room.closer.look(Crop(0.2, 0.2, 0.3))
    room.closer.follow(True)
    await room.closer.use("examination")
    with pytest.raises(NoStill) as refused:
        await room.closer.still()
    assert refused.value.code == "closed"
    assert (room.room.is_open, room.second.is_open, room.closer.looking, room.told) == (False, False, "", [])


async def test_a_part_is_asked_of_the_camera_and_told_and_forgotten_with_the_call() -> None:
    async with Room() as room:
        room.closer.look(Crop(0.0, 0.5, 0.4))
        assert room.room.zooms[-1] == Crop(0.2, 0.5, 0.4), "what lies in the picture"
        assert room.closer.looking == "closer"
        assert room.closer.seeing().crop == Crop(0.2, 0.5, 0.4)
        room.closer.look(WHOLE)
        assert room.closer.looking == "", "the whole is nothing closer"
        room.closer.look(Crop(0.5, 0.5, 0.4))
        room.closer.follow(True)
        assert room.room.zooms[-1] == WHOLE
        assert room.closer.looking == ""
        room.closer.look(Crop(0.5, 0.5, 0.4))
    assert room.closer.looking == ""
    async with room:
        assert room.closer.seeing().crop == WHOLE


async def test_the_light_is_that_of_one_camera_at_a_time() -> None:
    async with Room() as room:
        room.closer.look(Crop(0.5, 0.5, 0.4))
        await room.closer.use("examination")
        assert (room.room.is_open, room.second.is_open) == (False, True)
        seeing = room.closer.seeing()
        assert (seeing.camera, seeing.crop, seeing.following) == ("examination", WHOLE, False)
        await room.closer.use("examination")
        await room.closer.use("room")
        assert (room.room.is_open, room.second.is_open) == (True, False)
        assert room.closer.seeing().following is True
    assert room.told == ["closer", "examination", ""]


async def test_a_camera_that_is_not_there_is_not_switched_to_and_not_listed() -> None:
    async with Room() as room:
        room.second.there = "missing"
        await room.closer.use("examination")
        assert room.room.is_open
        assert room.closer.seeing().cameras == ("room",)


async def test_config_switches_framing_now_and_for_later_calls() -> None:
    room = Room()
    room.closer.set_framing(False)
    async with room:
        assert room.closer.seeing().following is False
        room.closer.follow(True)
        room.closer.set_framing(False)
        assert room.closer.seeing().following is True, "said already: the clinician's choice holds"
        room.closer.set_framing(True)
    async with room:
        room.closer.follow(False)
    async with room:
        assert room.closer.seeing().following is True, "a choice of one call is not the next one's"


async def test_what_cameras_may_not_do_here_is_not_done_whatever_is_asked() -> None:
    room = Room()
    room.closer.set_policy(CameraPolicy(examination=False, zoom=False, still=False))
    async with room:
        room.closer.look(Crop(0.5, 0.5, 0.4))
        await room.closer.use("examination")
        with pytest.raises(NoStill) as refused:
            await room.closer.still()
        assert refused.value.code == "not_allowed"
        seeing = room.closer.seeing()
        assert (seeing.crop, seeing.cameras, seeing.zoom, seeing.still) == (WHOLE, ("room",), False, False)
        assert (room.room.is_open, room.second.is_open, room.room.zooms) == (True, False, [])
        assert room.told == []
        room.closer.set_policy(CameraPolicy(still=False))
        await room.closer.use("examination")
        assert room.second.is_open, "each is a choice of its own"


async def test_a_still_is_the_whole_sensor_said_before_it_is_taken_and_wiped() -> None:
    async with Room() as room:
        still = await room.closer.still()
        assert (still.width, still.height) == (640, 480)
        assert cv2.imdecode(still.data, cv2.IMREAD_GRAYSCALE).shape == (480, 640)
        assert room.told[0] == "still"
        assert room.closer.looking == "still", "long enough for the resident to see it"
        await room.clock.advance(SHOWN_S + 0.1)
        assert room.closer.looking == ""
        still.wipe()
        assert not still.data.any()


async def test_two_stills_at_once_are_one() -> None:
    async with Room() as room:
        first, second = await asyncio.gather(room.closer.still(), room.closer.still(), return_exceptions=True)
        assert not isinstance(first, BaseException)
        assert isinstance(second, NoStill)
        assert second.code == "busy"
        assert await room.closer.still(), "and then another"


async def test_a_still_that_is_too_large_or_cannot_be_taken_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Room() as room:
        monkeypatch.setattr(closer_module, "MOST_BYTES", 100)
        with pytest.raises(NoStill) as large:
            await room.closer.still()
        assert large.value.code == "too_large"
        room.room.full = Frame(np.zeros((7, 3), np.uint8), 3, 5, 0.0)
        with pytest.raises(NoStill) as broken:
            await room.closer.still()
        assert broken.value.code == "failed"
        room.room.is_open = False
        with pytest.raises(NoStill) as gone:
            await room.closer.still()
        assert gone.value.code == "no_camera"


@given(st.integers(1, 40).map(lambda n: 2 * n), st.integers(1, 40).map(lambda n: 2 * n), st.integers(16, 235))
def test_a_jpeg_shows_what_the_frame_shows(width: int, height: int, shade: int) -> None:
    seen = cv2.imdecode(as_jpeg(picture(shade, width, height)), cv2.IMREAD_GRAYSCALE)
    assert seen.shape == (height, width)
    assert seen.mean() == pytest.approx((shade - 16) * 255 / 219, abs=3), "video range becomes full range"
