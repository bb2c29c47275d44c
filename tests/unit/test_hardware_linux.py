"""The linux backend's parts, on directories and pipes in place of /sys and /dev."""

from __future__ import annotations

import logging
import os
import queue
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError
from device.hardware.linux import usb
from device.hardware.linux.button import EvdevButton, downs
from device.hardware.linux.camera import V4lCamera, open_v4l
from device.hardware.linux.decoding import from_bgr
from device.hardware.linux.formats import Offer
from device.hardware.linux.light import NoLight, SysfsLight, make_light
from device.hardware.linux.usb import UsbDevice, UsbId
from device.hardware.linux.v4l import CameraFinder
from device.hardware.ports import CameraMode, Frame
from device.hardware.press import Debounce

PATIENCE = 5.0
words = st.integers(0, 0xFFFF)


# USB and which camera


@given(words, words, st.text("ABCdef0123456789-_.:", max_size=20))
def test_a_usb_id_reads_as_it_is_written(vendor: int, product: int, serial: str) -> None:
    wanted = UsbId(vendor, product, serial)
    assert UsbId.parse(str(wanted)) == wanted


@given(st.text(max_size=20))
def test_any_other_text_is_refused_with_a_word_of_help(text: str) -> None:
    try:
        read = UsbId.parse(text)
    except HardwareError as error:
        assert "vendor:product" in str(error)
    else:
        assert str(read).lower() == text.lower()


def test_a_device_is_told_apart_by_its_serial_number_only_if_one_is_wanted() -> None:
    device = UsbDevice(UsbId(0x046D, 0x082D, "A1"), "1-1")
    assert device.is_a(UsbId.parse("046d:082d"))
    assert device.is_a(UsbId.parse("046D:082D:A1"))
    assert not device.is_a(UsbId.parse("046d:082d:A2"))
    assert not device.is_a(UsbId.parse("046d:082e"))


class Machine:
    """Directories that look like /dev and /sys, and a bus."""

    def __init__(self, root: Path) -> None:
        self.dev, self.sys = root / "dev", root / "sys"
        self.bus: list[UsbDevice] = []
        self._nodes = 0
        (self.dev / "v4l/by-id").mkdir(parents=True)

    def plug_camera(self, name: str, usb_id: str, port: str) -> Path:
        """A UVC camera: two nodes, as they are, the second for metadata."""
        self.bus.append(UsbDevice(UsbId.parse(usb_id), port))
        for index in range(2):
            node = f"video{self._nodes}"
            self._nodes += 1
            (self.dev / node).touch()
            link = self.dev / f"v4l/by-id/usb-{name}-video-index{index}"
            link.symlink_to(f"../../{node}")
            interface = self.sys / f"devices/pci/usb1/{port}/{port}:1.0"
            interface.mkdir(parents=True, exist_ok=True)
            (self.sys / "class/video4linux" / node).mkdir(parents=True)
            (self.sys / "class/video4linux" / node / "device").symlink_to(interface)
        return self.dev / f"v4l/by-id/usb-{name}-video-index0"

    def finder(self, wanted: str = "") -> CameraFinder:
        return CameraFinder(wanted, self.dev, self.sys, lambda: self.bus)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_a_camera_it_is_missing(machine: Machine) -> None:
    for wanted in ("", "046d:082d", str(machine.dev / "v4l/by-id/usb-x-video-index0")):
        with pytest.raises(DeviceMissing):
            machine.finder(wanted).find()
        assert V4lCamera(machine.finder(wanted)).presence() == "missing"


def test_the_only_camera_needs_no_name(machine: Machine) -> None:
    path = machine.plug_camera("Acme_Eye_A1", "1234:0001:A1", "1-1")
    assert machine.finder().find() == path


def test_among_several_cameras_none_is_guessed(machine: Machine) -> None:
    machine.plug_camera("Acme_Eye_A1", "1234:0001:A1", "1-1")
    machine.plug_camera("Acme_Eye_A2", "1234:0001:A2", "1-2")
    with pytest.raises(DeviceMissing, match=r"several.*usb-Acme_Eye_A1.*usb-Acme_Eye_A2"):
        machine.finder().find()


def test_a_camera_is_found_by_its_identity_wherever_it_is_plugged_in(machine: Machine) -> None:
    machine.plug_camera("Acme_Eye_A1", "1234:0001:A1", "1-1")
    second = machine.plug_camera("Acme_Eye_A2", "1234:0001:A2", "1-1.4")
    other = machine.plug_camera("Other_Cam", "5678:0002", "2-3")
    assert machine.finder("1234:0001:A2").find() == second
    assert machine.finder("5678:0002").find() == other
    assert machine.finder(str(other)).find() == other


def test_a_device_that_is_plugged_in_but_is_no_camera_is_a_fault(machine: Machine) -> None:
    machine.bus.append(UsbDevice(UsbId.parse("1234:0001"), "1-1"))
    assert V4lCamera(machine.finder("1234:0001")).presence() == "fault"


@pytest.mark.parametrize("wanted", ["0", "/dev/video0", "/dev/video12"])
def test_a_camera_is_never_named_by_its_number(machine: Machine, wanted: str) -> None:
    with pytest.raises(HardwareError, match="numbers change"):
        machine.finder(wanted)


def test_the_real_bus_can_be_read_or_says_what_is_missing() -> None:
    try:
        found = usb.devices()
    except HardwareError as error:
        assert "USB cannot be read" in str(error)
    else:
        assert all(isinstance(device, UsbDevice) for device in found)


def test_a_serial_number_is_the_kernels(tmp_path: Path) -> None:
    (tmp_path / "bus/usb/devices/1-1.4").mkdir(parents=True)
    (tmp_path / "bus/usb/devices/1-1.4/serial").write_text("A1\n")
    assert usb._device(1, 2, 1, (1, 4), tmp_path) == UsbDevice(UsbId(1, 2, "A1"), "1-1.4")
    assert usb._device(1, 2, 1, None, tmp_path) == UsbDevice(UsbId(1, 2), "usb1")


# The camera


def test_colours_come_through() -> None:
    bgr = np.zeros((120, 161, 3), dtype=np.uint8)
    bgr[:, :80, 2] = 255  # red on the left
    i420 = from_bgr(bgr)
    assert i420.shape == (180, 160), "cut to even sides"
    _, v = i420[120:].reshape(2, 60, 80)
    assert v[:, :38].min() > 200
    assert abs(int(v[:, 42:].mean()) - 128) < 2


def test_a_camera_that_the_kernel_does_not_have_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "video").touch()
    with pytest.raises(DeviceFailed, match="cannot be opened"):
        open_v4l(str(tmp_path / "video"), Offer("MJPG", 1280, 720, 30))


class PaperCapture:
    """A capture device that gives what it is told."""

    def __init__(self) -> None:
        self.pictures: queue.Queue[np.ndarray | None] = queue.Queue()
        self.released = threading.Event()

    def read(self) -> tuple[bool, np.ndarray | None]:
        picture = self.pictures.get()
        return picture is not None, picture

    def release(self) -> None:
        self.released.set()


def test_a_camera_that_gives_nothing_more_has_stalled_or_was_unplugged(machine: Machine) -> None:
    for unplug, word in ((False, "stalled"), (True, "unplugged")):
        capture, faults = PaperCapture(), queue.Queue[str]()
        path = machine.plug_camera(f"Eye{unplug}", "1234:0001", "1-1")
        camera = V4lCamera(machine.finder(str(path)), lambda *_, capture=capture: capture, lambda _: [])
        camera.open(CameraMode(), lambda _: None, faults.put)
        if unplug:
            path.unlink()
        capture.pictures.put(None)
        assert faults.get(timeout=PATIENCE) == word
        assert capture.released.wait(PATIENCE)
        camera.close()


def test_a_camera_gives_the_size_it_has_not_the_size_that_was_asked(machine: Machine) -> None:
    machine.plug_camera("Eye", "1234:0001", "1-1")
    capture, frames = PaperCapture(), queue.Queue[Frame]()
    camera = V4lCamera(machine.finder(), lambda *_: capture, lambda _: [], wall=lambda: 1234.5)
    camera.open(CameraMode(1280, 720), frames.put, lambda _: None)
    capture.pictures.put(np.zeros((480, 640, 3), np.uint8))
    frame = frames.get(timeout=PATIENCE)
    assert (frame.width, frame.height, frame.i420.shape, frame.captured) == (640, 480, (720, 640), 1234.5)
    capture.pictures.put(np.zeros((480, 640, 3), np.uint8))
    camera_closes = threading.Thread(target=camera.close)
    camera_closes.start()
    capture.pictures.put(None)
    camera_closes.join(PATIENCE)
    assert capture.released.is_set()


# The button

EVENT = struct.Struct("llHHi")
events = st.tuples(st.integers(0, 2), st.integers(0, 0x2FF), st.integers(0, 2))


@given(st.lists(events, max_size=40), st.integers(0, 0x2FF), st.binary(max_size=EVENT.size - 1))
def test_a_press_is_a_key_going_down_not_up_not_repeating_not_moving(
    seen: list[tuple[int, int, int]], key: int, rest: bytes
) -> None:
    data = b"".join(EVENT.pack(0, 0, kind, code, value) for kind, code, value in seen) + rest
    expected = sum(kind == 1 and value == 1 and (key in (0, code)) for kind, code, value in seen)
    assert downs(data, key) == expected


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_bounces_are_one_press(gaps: list[float]) -> None:
    debounce, now, presses, last = Debounce(0.05), 100.0, 0, None
    for gap in gaps:
        now += gap
        counted = debounce.press(now)
        presses += counted
        assert counted is (last is None or now - last >= 0.05)
        last = now
    assert presses >= 1


class Pipe:
    """A named pipe in place of an input device."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handle: int | None = None

    def plug(self) -> None:
        os.mkfifo(self.path)
        self.handle = os.open(self.path, os.O_RDWR)

    def unplug(self) -> None:
        assert self.handle is not None
        self.path.unlink()
        os.close(self.handle)
        self.handle = None

    def key(self, code: int, value: int) -> None:
        assert self.handle is not None
        os.write(self.handle, EVENT.pack(0, 0, 1, code, value) + EVENT.pack(0, 0, 0, 0, 0))


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    device = Pipe(tmp_path / "usb-Big_Button-event-kbd")
    yield device
    if device.handle is not None:
        device.unplug()


def ticking() -> float:
    """A clock on which every look is a second later."""
    ticking.now += 1.0  # type: ignore[attr-defined]
    return ticking.now  # type: ignore[attr-defined,no-any-return]


ticking.now = 0.0  # type: ignore[attr-defined]


def test_only_the_named_key_presses(pipe: Pipe) -> None:
    pipe.plug()
    presses = queue.Queue[int]()
    button = EvdevButton(str(pipe.path), key=28, monotonic=ticking)
    button.listen(lambda: presses.put(1))
    for code, value in ((30, 1), (30, 0), (28, 1), (28, 2), (28, 2), (28, 0), (28, 1)):
        pipe.key(code, value)
    assert [presses.get(timeout=PATIENCE) for _ in range(2)] == [1, 1]
    button.close()
    assert presses.empty()


def test_a_button_may_be_unplugged_and_come_again(pipe: Pipe, caplog: pytest.LogCaptureFixture) -> None:
    presses = queue.Queue[int]()
    button = EvdevButton(str(pipe.path), retry_s=0.01, monotonic=ticking)
    with caplog.at_level(logging.INFO):
        button.listen(lambda: presses.put(1))
        for _ in range(2):
            pipe.plug()
            pipe.key(28, 1)
            assert presses.get(timeout=PATIENCE) == 1
            pipe.unplug()
        pipe.plug()
        pipe.key(28, 1)
        assert presses.get(timeout=PATIENCE) == 1
        button.close()
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert 2 <= len(told) <= 3, "told once each time it went, however often it was looked for"


def test_a_station_without_a_button_says_so(caplog: pytest.LogCaptureFixture) -> None:
    button = EvdevButton("")
    button.listen(lambda: None)
    button.close()
    assert "button names no device" in caplog.text


# The light


def led(root: Path, most: int) -> Path:
    directory = root / "button::light"
    directory.mkdir()
    for name, value in (("max_brightness", str(most)), ("brightness", "0"), ("trigger", "heartbeat")):
        (directory / name).write_text(value)
    return directory


class Written:
    """What SysfsLight wrote, seen through its one way out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.values: queue.Queue[str] = queue.Queue()
        original = Path.write_text

        def write_text(path: Path, data: str) -> int:
            done = original(path, data)
            if path.name == "brightness":
                self.values.put(data)
            return done

        monkeypatch.setattr(Path, "write_text", write_text)

    def wait_for(self, value: str) -> None:
        while self.values.get(timeout=PATIENCE) != value:
            pass


@pytest.mark.parametrize(("most", "half"), [(200, "100"), (1, "1")])
def test_an_led_is_dimmed_where_it_can_be_and_is_on_where_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, half: str
) -> None:
    led(tmp_path, most)
    written = Written(monkeypatch)
    light = make_light("button::light", tmp_path)
    light.show("live", 50)
    written.wait_for(half)
    light.close()


@pytest.mark.parametrize(("most", "ready", "live"), [(255, "38", "255"), (1, "0", "1")])
def test_an_led_shows_as_much_as_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, ready: str, live: str
) -> None:
    directory = led(tmp_path, most)
    written = Written(monkeypatch)
    light = make_light("button::light", tmp_path)
    assert isinstance(light, SysfsLight)
    light.show("ready")
    written.wait_for(ready)
    assert (directory / "trigger").read_text() == "none", "the kernel's own blinking is off"
    light.show("live")
    written.wait_for(live)
    light.close()
    assert (directory / "brightness").read_text() == "0"


def test_an_led_that_is_not_there_is_told_and_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    light = make_light("gone", tmp_path)
    light.show("live")
    light.close()
    assert [record.getMessage() for record in caplog.records if "does not work" in record.getMessage()]


def test_a_station_without_a_light_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    light = make_light("")
    assert isinstance(light, NoLight)
    for pattern in ("ready", "live", "fault"):
        light.show(pattern)
    light.close()
    assert len(caplog.records) == 1
    assert "has no light" in caplog.text
