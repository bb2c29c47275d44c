"""The rpi backend's own: padding, picamera2's ways, gpiozero's pins. What it shares is in tests/contract."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError
from device.hardware.ports import NARROWEST, WHOLE, CameraMode, Crop, Frame
from device.hardware.rpi.camera import PiCamera, load, unpad
from device.hardware.rpi.pins import GpioButton, GpioLight
from tests.kits.station.picamera import PaperPicamera

PATIENCE = 5.0


@given(
    st.integers(1, 30).map(lambda n: n * 2),
    st.integers(1, 30).map(lambda n: n * 2),
    st.integers(0, 20),
    st.integers(0, 9),
)
def test_padding_is_taken_off_every_plane(width: int, height: int, pad: int, extra: int) -> None:
    stride = width + pad * 2
    buffer = np.full(stride * height * 3 // 2 + extra, 99, dtype=np.uint8)
    luma = buffer[: stride * height].reshape(height, stride)
    chroma = buffer[stride * height : stride * height * 3 // 2].reshape(2, height // 2, stride // 2)
    luma[:, :width], chroma[0, :, : width // 2], chroma[1, :, : width // 2] = 1, 2, 3
    picture = unpad(buffer, width, height, stride)
    assert picture.shape == (height * 3 // 2, width)
    assert (picture[:height] == 1).all()
    assert (picture[height:].reshape(2, -1) == [[2], [3]]).all()


@pytest.mark.parametrize(("length", "stride"), [(100, 64), (64 * 48 * 3 // 2, 60)])
def test_a_buffer_that_holds_no_such_picture_is_refused(length: int, stride: int) -> None:
    with pytest.raises(ValueError, match="64x48"):
        unpad(np.zeros(length, np.uint8), 64, 48, stride)


def test_without_picamera2_the_camera_is_a_fault_that_says_what_to_install() -> None:
    with pytest.raises(HardwareError, match="python3-picamera2"):
        load()
    assert PiCamera().presence() == "fault"


def test_the_camera_is_asked_for_what_was_asked_and_gives_when_it_was_exposed() -> None:
    library, frames = PaperPicamera(padding=64), queue.Queue[Frame]()
    camera = PiCamera(library=lambda: library, wall=lambda: 5000.0, boot_ns=lambda: 900_000_000)
    camera.open(CameraMode(640, 480, 25), frames.put, lambda _: None)
    library.shoot(exposed_ns=850_000_000)
    frame = frames.get(timeout=PATIENCE)
    assert (frame.width, frame.height, frame.i420.shape) == (640, 480, (720, 640))
    assert frame.captured == pytest.approx(4999.95)
    assert library.asked == {"main": {"size": (640, 480), "format": "YUV420"}, "controls": {"FrameRate": 25}}
    library.run_freely()  # or the end waits for a picture that never comes
    camera.close()
    assert library.open_cameras == 0
    assert library.requests_held == 0, "every buffer went back to the camera"


def test_a_camera_is_chosen_by_its_id() -> None:
    library = PaperPicamera(ids=("/base/a", "/base/b"))
    camera = PiCamera("/base/b", lambda: library)
    camera.open(CameraMode(), lambda _: None, lambda _: None)
    assert library.opened == [1]
    library.run_freely()
    camera.close()
    with pytest.raises(DeviceMissing, match=r"no camera /base/c; there are: /base/a, /base/b"):
        PiCamera("/base/c", lambda: library).open(CameraMode(), lambda _: None, lambda _: None)


@pytest.mark.parametrize(("fails", "released"), [("open", 0), ("configure", 0), ("start", 0)])
def test_a_camera_that_cannot_start_says_so_and_is_left_closed(fails: str, released: int) -> None:
    library = PaperPicamera(fails=fails)
    with pytest.raises(DeviceFailed, match=r"cannot be (opened|started): .*busy"):
        PiCamera(library=lambda: library).open(CameraMode(), lambda _: None, lambda _: None)
    assert library.open_cameras == released


@pytest.mark.parametrize(("error", "word"), [(TimeoutError(), "stalled"), (RuntimeError("gone"), "failed")])
def test_a_camera_that_stops_says_how(error: Exception, word: str) -> None:
    library, faults = PaperPicamera(), queue.Queue[str]()
    camera = PiCamera(library=lambda: library)
    camera.open(CameraMode(), lambda _: None, faults.put)
    library.fail(error)
    assert faults.get(timeout=PATIENCE) == word
    camera.close()
    assert library.open_cameras == 0


def test_a_camera_that_does_not_close_is_told_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    library = PaperPicamera(fails="close")
    camera = PiCamera(library=lambda: library)
    camera.open(CameraMode(), lambda _: None, lambda _: None)
    library.shoot()
    camera.close()
    assert [record.getMessage() for record in caplog.records] == ["the camera does not close: busy"]


class Zooming:
    """An open camera of paper, one picture at a time."""

    def __init__(self, library: PaperPicamera) -> None:
        self.library, self._frames = library, queue.Queue[Frame]()
        self.camera = PiCamera(library=lambda: library)
        self.camera.open(CameraMode(640, 360, 25), self._frames.put, lambda _: None)

    def shoot(self) -> Frame:
        self.library.shoot()
        return self._frames.get(timeout=PATIENCE)

    def close(self) -> None:
        self.library.shoot()  # closing waits for the picture that is on its way
        self.camera.close()


@given(st.builds(Crop, st.floats(-1, 2), st.floats(-1, 2), st.floats(0, 1.5)))
def test_a_part_is_read_from_the_sensor_and_each_picture_tells_which(crop: Crop) -> None:
    paper = Zooming(PaperPicamera())
    try:
        assert paper.shoot().part == WHOLE
        paper.camera.zoom(crop)
        left, top, wide, tall = paper.library.crop or (0, 0, 0, 0)
        assert left >= 0 <= top
        assert left + wide <= 2592 + 1
        assert top + tall <= 1458 + 1
        part, wanted = paper.shoot().part, crop.inside()
        assert (part.x, part.y, part.size) == pytest.approx((wanted.x, wanted.y, wanted.size), abs=0.002)
        assert part.size >= NARROWEST
    finally:
        paper.close()


def test_a_camera_that_cannot_zoom_gives_the_whole_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    paper = Zooming(PaperPicamera(fails="zoom"))
    paper.shoot()
    paper.camera.zoom(Crop(0.3, 0.3, 0.5))
    assert paper.shoot().part == WHOLE
    paper.close()
    assert "the camera does not zoom: busy" in caplog.text


def test_after_a_still_of_the_whole_sensor_the_camera_zooms_again() -> None:
    paper = Zooming(PaperPicamera())
    paper.shoot()
    paper.camera.zoom(Crop(0.5, 0.5, 0.5))
    paper.library.free_running = True
    paper.library.shoot()
    assert paper.camera.capture_still(PATIENCE).part == WHOLE
    while paper.shoot().part == WHOLE:
        pass  # some pictures were on their way
    assert paper.library.crop == (648, 364, 1296, 729)
    paper.close()


def test_a_camera_that_tells_of_no_zoom_is_not_asked_for_it() -> None:
    library = PaperPicamera()
    library.crop = None
    paper = Zooming(library)
    paper.shoot()
    paper.camera.zoom(Crop(0.3, 0.3, 0.5))
    assert library.crop is None
    assert paper.shoot().part == WHOLE
    paper.close()
    paper.camera.zoom(Crop(0.3, 0.3, 0.5))
    assert library.crop is None, "nor one that is shut"


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    from gpiozero import Device

    before = Device.pin_factory
    factory = MockFactory(pin_class=MockPWMPin)
    monkeypatch.setattr(Device, "pin_factory", factory)
    yield factory
    factory.close()
    Device.pin_factory = before


def test_a_burst_of_bounces_is_one_press(pins: MockFactory) -> None:
    now, presses = [0.0], []
    button = GpioButton(17, monotonic=lambda: now[0])
    button.listen(lambda: presses.append(now[0]))
    for moment in (1.0, 1.002, 1.006, 3.0, 3.01):
        now[0] = moment
        pins.pin(17).drive_low()
        pins.pin(17).drive_high()
    button.close()
    assert presses == [1.0, 3.0]


def test_the_button_pulls_its_pin_up(pins: MockFactory) -> None:
    button = GpioButton(17)
    button.listen(lambda: None)
    assert pins.pin(17).pull == "up"
    button.close()


class Levels:
    """Waits for a level on a pin."""

    def __init__(self, pin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[float] = []
        self._changed = threading.Condition()
        original = pin._change_state

        def change(value: float) -> bool:
            with self._changed:
                self.seen.append(float(value))
                self._changed.notify_all()
            return bool(original(value))

        monkeypatch.setattr(pin, "_change_state", change)

    def wait_for(self, value: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: any(abs(seen - value) < 1e-6 for seen in self.seen), PATIENCE)


def test_a_light_is_dimmed_by_pwm_and_dark_when_closed(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = Levels(pins.pin(18), monkeypatch)
    light = GpioLight(18)
    light.show("ready")
    assert levels.wait_for(0.15)
    light.show("live")
    assert levels.wait_for(1)
    light.close()
    assert levels.seen[-1] == 0


def test_a_light_is_as_bright_as_is_wanted(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = Levels(pins.pin(18), monkeypatch)
    light = GpioLight(18)
    light.show("live", 40)
    assert levels.wait_for(0.4)
    light.close()


def test_a_light_that_cannot_be_dimmed_is_on_or_off(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = Levels(pins.pin(18), monkeypatch)
    light = GpioLight(18, dims=False)
    light.show("live", 30)
    assert levels.wait_for(1)
    light.close()
    assert set(levels.seen) <= {0.0, 1.0}


def test_a_pin_that_is_taken_is_our_error(pins: MockFactory) -> None:
    first, second = GpioButton(17), GpioButton(17)
    first.listen(lambda: None)
    with pytest.raises(DeviceFailed, match="button on GPIO 17"):
        second.listen(lambda: None)
    first.close()


def test_a_machine_without_pins_is_our_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from gpiozero import Device

    monkeypatch.setattr(Device, "pin_factory", None)
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "no-such-factory")
    with pytest.raises(DeviceFailed, match="button on GPIO 17 cannot be used"):
        GpioButton(17).listen(lambda: None)
