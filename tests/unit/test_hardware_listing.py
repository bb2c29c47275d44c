"""`station devices`: what it prints is what the configuration takes."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from device.hardware.errors import DeviceMissing
from device.hardware.linux import listing
from device.hardware.linux.listing import Listed, as_text, cameras, identity, sounds
from device.hardware.linux.sound_devices import SoundDevice
from device.hardware.linux.usb import UsbDevice, UsbId
from tests.unit.test_hardware_linux import Machine

words = st.integers(0, 0xFFFF)
serials = st.text("ABCdef0123456789-_.", max_size=12)


@given(words, words, serials, st.integers(1, 3))
def test_what_is_written_is_read_as_this_device(vendor: int, product: int, serial: str, alike: int) -> None:
    device = UsbDevice(UsbId(vendor, product, serial), "1-1.4")
    wanted = UsbId.parse(identity(device, alike))
    assert device.is_a(wanted)
    twin = UsbDevice(UsbId(vendor, product), "1-1.5")
    assert alike == 1 or not twin.is_a(wanted), "of two alike, one is meant"


def test_a_camera_is_listed_by_the_identity_that_finds_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.plug_camera("Acme_Eye_A1", "1234:0001:A1", "1-1")
    machine.plug_camera("Twin_Cam", "5678:0002", "1-2")
    machine.plug_camera("Twin_Cam_2", "5678:0002", "1-3.1")
    listed = cameras(machine.finder(), machine.bus)
    assert [device.identity for device in listed] == ["1234:0001:A1", "5678:0002@1-2", "5678:0002@1-3.1"]
    for device in listed:
        assert machine.finder(device.identity).find().name.startswith("usb-" + device.description.split()[0])


def test_a_camera_whose_device_is_not_known_is_listed_by_its_path(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    path = machine.plug_camera("Acme_Eye", "1234:0001", "1-1")
    assert [device.identity for device in cameras(machine.finder(), [])] == [str(path)]


def test_sound_on_usb_has_its_identity_and_other_sound_the_servers_name() -> None:
    jabra = SoundDevice("alsa_output.usb", "Jabra", UsbDevice(UsbId(0x0B0E, 0x0412), "1-1"))
    built_in = SoundDevice("alsa_output.pci", "Built in")
    assert sounds("speaker", [jabra, built_in]) == [
        Listed("speaker", "0b0e:0412", "Jabra at port 1-1, Jabra Speak 410: cancels its own echo"),
        Listed("speaker", "alsa_output.pci", "Built in"),
    ]


def test_the_second_camera_is_not_taken_for_the_first(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    first = machine.plug_camera("Acme_Eye", "1234:0001", "1-1")
    machine.plug_camera("Close_Eye", "5678:0002", "1-2")
    second = machine.finder("5678:0002")
    finder = listing.CameraFinder("", machine.dev, machine.sys, lambda: machine.bus, other=second)
    assert finder.find() == first


class NoServer:
    """A sound server that does not answer."""

    def microphones(self) -> list[SoundDevice]:
        raise DeviceMissing("no sound server answers")

    speakers = microphones


def test_what_cannot_be_looked_for_is_said_and_hides_nothing_else() -> None:
    listed, problems = listing.everything(NoServer())  # type: ignore[arg-type]
    assert problems[-1] == "no sound server answers"
    assert problems.count("no sound server answers") == 1
    text = as_text([Listed("camera", "046d:082d", "Webcam"), *listed], problems)
    assert text.startswith('[linux]\ncamera = "046d:082d"  # Webcam')
    assert "Not looked for: no sound server answers" in text
