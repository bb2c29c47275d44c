"""Volume, level, and the sound server's devices, with a sound server of paper."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError
from device.hardware.linux import sound as linux_sound
from device.hardware.linux.pulse import PulseServer, server_socket
from device.hardware.linux.sound import PulseMicrophone, PulseSpeaker, cancels_echo, choose
from device.hardware.linux.sound_devices import SoundDevice, usb_of
from device.hardware.linux.speakerphones import KNOWN, speakerphone
from device.hardware.linux.usb import UsbDevice, UsbId
from device.hardware.ports import BLOCK
from device.hardware.sound import SILENCE_DB, amplify, gain, level_db, silence

PATIENCE = 5.0
samples = st.lists(st.integers(-32768, 32767), min_size=1, max_size=BLOCK).map(lambda v: np.array(v, dtype=np.int16))


@given(st.integers(-1000, 1000))
def test_a_volume_is_between_silent_and_full(percent: int) -> None:
    assert 0 <= gain(percent) <= 1
    assert gain(percent) <= gain(percent + 1)


def test_the_ends_of_the_volume() -> None:
    assert (gain(0), gain(100)) == (0, 1)


@given(samples, st.floats(0, 100))
def test_amplifying_clips_and_never_wraps(block: np.ndarray, factor: float) -> None:
    louder = amplify(block, factor)
    assert louder.dtype == np.int16
    assert ((louder >= 0) == (block >= 0)).all() or (np.abs(block * factor)[(louder >= 0) != (block >= 0)] < 1).all()


@given(samples)
def test_a_level_is_between_silence_and_full_scale(block: np.ndarray) -> None:
    assert SILENCE_DB <= level_db(block) <= 0


def test_known_levels() -> None:
    assert level_db(silence()) == SILENCE_DB
    assert level_db(np.full(BLOCK, -32768, np.int16)) == pytest.approx(0)
    assert level_db(np.full(BLOCK, 3277, np.int16)) == pytest.approx(-20, abs=0.01)


class PaperStream:
    """A stream whose blocks a test hands out, or takes."""

    def __init__(self) -> None:
        self.blocks: queue.Queue[np.ndarray | None] = queue.Queue()
        self.ended = threading.Event()

    def read(self) -> np.ndarray:
        return self._take()

    def write(self, block: np.ndarray) -> None:
        self.written.put(block)
        self._take()

    written: queue.Queue[np.ndarray]

    def _take(self) -> np.ndarray:
        block = self.blocks.get()
        if block is None:
            raise DeviceFailed("ended")
        return block

    def interrupt(self) -> None:
        self.blocks.put(None)

    def end(self) -> None:
        self.ended.set()


class PaperServer:
    """A sound server with a list of devices."""

    def __init__(self) -> None:
        self.described: dict[str, SoundDevice] = {}
        self.mics, self.outs = ["usb-mic"], ["usb-speaker"]
        self.stream = PaperStream()
        self.stream.written = queue.Queue()
        self.asked_for: list[str] = []
        self.down = False

    def _up(self) -> None:
        if self.down:
            raise HardwareError("no server")

    def sources(self) -> list[str]:
        self._up()
        return list(self.mics)

    def sinks(self) -> list[str]:
        self._up()
        return list(self.outs)

    def default_source(self) -> str:
        return "usb-speaker.monitor"

    def default_sink(self) -> str:
        return "usb-speaker"

    def microphones(self) -> list[SoundDevice]:
        return [self.described.get(name, SoundDevice(name, name)) for name in self.sources()]

    def speakers(self) -> list[SoundDevice]:
        return [self.described.get(name, SoundDevice(name, name)) for name in self.sinks()]

    def record(self, source: str) -> PaperStream:
        self.asked_for.append(source)
        return self.stream

    def play(self, sink: str) -> PaperStream:
        self.asked_for.append(sink)
        return self.stream


def block(value: int) -> np.ndarray:
    return np.full(BLOCK, value, dtype=np.int16)


@pytest.mark.parametrize(
    ("wanted", "there", "default", "chosen"),
    [
        ("b", ["a", "b"], "a", "b"),
        ("", ["a"], "", "a"),
        ("", ["a", "b"], "b", "b"),
    ],
)
def test_the_named_the_only_or_the_default_device_is_chosen(
    wanted: str, there: list[str], default: str, chosen: str
) -> None:
    assert choose("microphone", wanted, there, lambda: default) == chosen


@pytest.mark.parametrize(
    ("wanted", "there", "default"),
    [("c", ["a", "b"], "a"), ("", [], "a"), ("", ["a", "b"], "a.monitor"), ("us", ["usb"], "usb")],
)
def test_never_another_than_the_named_one_never_a_monitor_never_a_guess(
    wanted: str, there: list[str], default: str
) -> None:
    with pytest.raises(DeviceMissing, match="microphone"):
        choose("microphone", wanted, there, lambda: default)


def test_presence_follows_the_server() -> None:
    server = PaperServer()
    microphone, speaker = PulseMicrophone(server), PulseSpeaker(server, "usb-speaker")
    assert (microphone.presence(), speaker.presence()) == ("ok", "ok")
    server.mics, server.outs = [], ["another"]
    assert (microphone.presence(), speaker.presence()) == ("missing", "missing")
    server.down = True
    assert (microphone.presence(), speaker.presence()) == ("fault", "fault")
    assert server.asked_for == [], "looking for a device opens none"


def test_a_microphone_delivers_in_order_and_nothing_after_close() -> None:
    server, heard = PaperServer(), queue.Queue[np.ndarray]()
    microphone = PulseMicrophone(server)
    microphone.open(heard.put, lambda _: None)
    for value in range(3):
        server.stream.blocks.put(block(value))
    assert [int(heard.get(timeout=PATIENCE)[0]) for _ in range(3)] == [0, 1, 2]
    microphone.close()
    assert server.stream.ended.is_set(), "a microphone that is silent is closed as well"
    assert heard.empty()


@pytest.mark.parametrize("kind", ["microphone", "speaker"])
def test_a_stream_that_ends_by_itself_is_a_fault_told_once(kind: str) -> None:
    server, faults = PaperServer(), queue.Queue[str]()
    device = PulseMicrophone(server) if kind == "microphone" else PulseSpeaker(server)
    device.open((lambda _: None) if kind == "microphone" else silence, faults.put)
    server.stream.interrupt()
    assert faults.get(timeout=PATIENCE) == "failed"
    assert server.stream.ended.wait(PATIENCE)
    device.close()
    assert faults.empty()


def test_a_device_that_is_pulled_out_while_the_server_plays_on_elsewhere_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linux_sound, "_WATCH_S", 0.01)
    server, faults = PaperServer(), queue.Queue[str]()
    microphone = PulseMicrophone(server)
    microphone.open(lambda _: None, faults.put)
    server.mics = ["another"]
    microphone._wanted = "usb-mic"
    assert faults.get(timeout=PATIENCE) == "unplugged"
    microphone.close()


def test_a_microphone_that_falls_silent_has_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_sound, "_WATCH_S", 0.01)
    monkeypatch.setattr(linux_sound, "_STALL_S", 0.02)
    server, faults = PaperServer(), queue.Queue[str]()
    microphone = PulseMicrophone(server)
    microphone.open(lambda _: None, faults.put)
    assert faults.get(timeout=PATIENCE) == "stalled"
    microphone.close()


def test_a_speaker_plays_what_it_is_given_at_its_volume() -> None:
    server = PaperServer()
    speaker = PulseSpeaker(server)
    speaker.set_volume(50)
    speaker.open(lambda: block(8000), lambda _: None)
    assert int(server.stream.written.get(timeout=PATIENCE)[0]) == 1000
    speaker.set_volume(0)
    for _ in range(3):
        server.stream.blocks.put(block(0))
    played = [int(server.stream.written.get(timeout=PATIENCE)[0]) for _ in range(3)]
    assert played[-1] == 0
    speaker.close()
    assert server.stream.ended.is_set()


def test_opening_twice_is_refused_and_costs_the_first_nothing() -> None:
    server, heard = PaperServer(), queue.Queue[np.ndarray]()
    microphone = PulseMicrophone(server)
    microphone.open(heard.put, lambda _: None)
    with pytest.raises(DeviceFailed, match="open already"):
        microphone.open(heard.put, lambda _: None)
    server.stream.blocks.put(block(5))
    assert heard.get(timeout=PATIENCE)[0] == 5
    microphone.close()


SERVER_VARIABLES = ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "XDG_RUNTIME_DIR")


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"PULSE_SERVER": "unix:/run/a/native", "XDG_RUNTIME_DIR": "/run/user/7"}, "/run/a/native"),
        ({"PULSE_SERVER": "/run/a/native"}, "/run/a/native"),
        ({"PULSE_RUNTIME_PATH": "/run/b", "XDG_RUNTIME_DIR": "/run/user/7"}, "/run/b/native"),
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, "/run/user/7/pulse/native"),
    ],
)
def test_where_the_server_is_is_the_environments(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], path: str
) -> None:
    for name in SERVER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert server_socket() == Path(path)


@pytest.mark.parametrize(
    ("variables", "state"),
    [({}, "missing"), ({"XDG_RUNTIME_DIR": "/nonexistent"}, "missing"), ({"PULSE_SERVER": "tcp:x"}, "fault")],
)
def test_without_a_server_the_devices_are_missing_and_opening_says_why(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], state: str
) -> None:
    for name in SERVER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    microphone = PulseMicrophone(PulseServer())
    assert microphone.presence() == state
    with pytest.raises(HardwareError, match=r"PULSE_SERVER|sound server"):
        microphone.open(lambda _: None, lambda _: None)
    microphone.close()


# Which USB device

words = st.integers(0, 0xFFFF)
JABRA = UsbDevice(UsbId(0x0B0E, 0x0412, "GN_Jabra_A1"), "1-1.2")


@given(words, words, st.from_regex(r"[1-9]-[1-9](\.[1-9]){0,3}", fullmatch=True), st.booleans())
def test_the_servers_properties_tell_the_usb_device(vendor: int, product: int, port: str, prefix: bool) -> None:
    before = "0x" if prefix else ""
    told = {
        "device.vendor.id": f"{before}{vendor:04x}",
        "device.product.id": f"{before}{product:04x}",
        "device.serial": "Maker_Thing_A1",
        "sysfs.path": f"/devices/pci0000:00/usb1/1-9/{port}/{port}:1.0/sound/card1",
    }
    assert usb_of(told) == UsbDevice(UsbId(vendor, product, "Maker_Thing_A1"), port)


@given(st.dictionaries(st.sampled_from(["device.vendor.id", "device.product.id", "sysfs.path"]), st.text(max_size=30)))
def test_properties_that_say_something_else_are_no_usb_device_and_no_harm(told: dict[str, str]) -> None:
    device = usb_of(told)
    assert device is None or {"device.vendor.id", "device.product.id"} <= told.keys()


@pytest.mark.parametrize("wanted", ["0b0e:0412", "0B0E:0412:A1", "0b0e:0412@1-1.2", "0b0e:0412:GN_Jabra_A1"])
def test_a_microphone_named_by_its_usb_identity_is_found_under_whatever_name_it_has(wanted: str) -> None:
    server = PaperServer()
    server.mics = ["alsa_input.pci", "alsa_input.usb-GN.mono"]
    server.described = {"alsa_input.usb-GN.mono": SoundDevice("alsa_input.usb-GN.mono", "Jabra", JABRA)}
    microphone = PulseMicrophone(server, wanted)
    assert microphone.presence() == "ok"
    microphone.open(lambda _: None, lambda _: None)
    assert server.asked_for == ["alsa_input.usb-GN.mono"]
    server.stream.blocks.put(None)
    microphone.close()
    assert microphone.usb() == JABRA


@pytest.mark.parametrize("wanted", ["0b0e:0413", "0b0e:0412:A2", "0b0e:0412@1-1.3"])
def test_another_device_is_never_taken_in_its_place(wanted: str) -> None:
    server = PaperServer()
    server.described = {"usb-speaker": SoundDevice("usb-speaker", "Jabra", JABRA)}
    assert PulseSpeaker(server, wanted).presence() == "missing"


def test_a_speakerphone_steps_in_only_for_what_it_plays_itself() -> None:
    other = UsbDevice(JABRA.id, "1-1.3")
    unknown = UsbDevice(UsbId(0x1234, 0x5678), "1-1.2")
    assert speakerphone(JABRA, JABRA) == "Jabra Speak 410"
    for pair in ((JABRA, other), (JABRA, None), (None, JABRA), (None, None), (unknown, unknown)):
        assert speakerphone(*pair) == ""
    assert all(0 <= number <= 0xFFFF for pair in KNOWN for number in pair)


def test_the_canceller_steps_aside_while_the_speakerphone_is_both_and_not_when_it_is_gone() -> None:
    server = PaperServer()
    server.described = {name: SoundDevice(name, "Jabra", JABRA) for name in ("usb-mic", "usb-speaker")}
    microphone, speaker = PulseMicrophone(server), PulseSpeaker(server)
    assert cancels_echo(microphone, speaker)
    server.outs = ["other"]
    assert not cancels_echo(microphone, speaker)
    server.down = True
    assert not cancels_echo(microphone, speaker)
