"""Microphone and speaker over the sound server, chosen by names that survive a reboot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError, presence_of
from device.hardware.linux.pulse import Playback, Recording, SoundServer
from device.hardware.linux.sound_devices import SoundDevice
from device.hardware.linux.speakerphones import speakerphone
from device.hardware.linux.usb import UsbDevice, UsbId
from device.hardware.pace import PacedThread
from device.hardware.ports import Block, OnBlock, OnFault
from device.hardware.sound import amplify, gain
from messaging.call import DeviceState

_WATCH_S = 1.0  # how often a device in use is looked for
_STALL_S = 2.0  # how long it may be without a word


def choose(what: str, wanted: str, there: list[str], default: Callable[[], str]) -> str:
    """The device to use: the wanted one, else the server's default if it is a real one, else the only one.

    DeviceMissing, naming what there is, if there is no such device or nothing to prefer among several.
    """
    names = ", ".join(there) or "none"
    if wanted:
        if wanted not in there:
            raise DeviceMissing(f"there is no {what} {wanted}; there are: {names}")
        return wanted
    if len(there) == 1:
        return there[0]
    preferred = default() if there else ""
    if preferred not in there:
        raise DeviceMissing(f"no {what} to use; there are: {names}. Name one in [linux] {what}")
    return preferred


def resolve(what: str, wanted: str, devices: Callable[[], list[SoundDevice]]) -> str:
    """The server's name for what the config names: a USB device's, or the wanted name itself.

    DeviceMissing if no device of the server's is that USB device. One with several outputs is used by its first.
    """
    usb = UsbId.read(wanted)
    if usb is None:
        return wanted
    names = sorted(device.name for device in devices() if device.is_a(usb))
    if not names:
        raise DeviceMissing(f"the {what} {wanted} is not plugged in")
    return names[0]


class _Stream:
    """A device in use: its thread, and a watch that notices when it is gone or silent.

    A server moves the stream of a device that is unplugged to another one, without a word; so it is looked for.
    """

    def __init__(self, name: str, present: Callable[[], DeviceState], on_fault: OnFault) -> None:
        self._present = present
        self._on_fault = on_fault
        self._lock = threading.RLock()
        self._open = True
        self._alive = time.monotonic()
        self._watch = PacedThread(f"{name}-watch", _WATCH_S, self._look)
        self._name = name

    def start(self, work: Callable[[], None]) -> None:
        """Run `work` and the watch."""
        self._thread = threading.Thread(target=work, name=self._name, daemon=True)
        self._thread.start()
        self._watch.start()

    @property
    def is_open(self) -> bool:
        """Until it is closed or has failed."""
        return self._open

    def call(self, deliver: Callable[[], None]) -> None:
        """Run a callback unless closed; a close waits for it, so that nothing comes afterwards."""
        self._alive = time.monotonic()
        with self._lock:
            if self._open:
                deliver()

    def fail(self, word: str) -> None:
        """Tell the fault, once, and stop."""
        with self._lock:
            was_open, self._open = self._open, False
            if was_open:
                self._on_fault(word)

    def close(self, interrupt: Callable[[], None]) -> None:
        """End the threads; `interrupt` if the device keeps its thread waiting."""
        with self._lock:
            self._open = False
        self._watch.stop()
        if threading.current_thread() is self._thread:
            return
        self._thread.join(0.1)
        if self._thread.is_alive():
            interrupt()
            self._thread.join()

    def _look(self) -> None:
        if self._open and self._present() != "ok":
            self.fail("unplugged")
        elif self._open and time.monotonic() - self._alive > _STALL_S:
            self.fail("stalled")


class PulseMicrophone:
    """The microphone that `wanted` names; empty: the default or only one."""

    def __init__(self, server: SoundServer, wanted: str = "") -> None:
        self._server = server
        self._wanted = wanted
        self._stream: _Stream | None = None
        self._recording: Recording | None = None

    def presence(self) -> DeviceState:
        """Whether the server has it."""
        return presence_of(self._find)

    def open(self, on_block: OnBlock, on_fault: OnFault) -> None:
        """Record; HardwareError if it cannot."""
        if self._stream is not None:
            raise DeviceFailed("the microphone is open already")
        recording = self._server.record(self._find())
        stream = _Stream("microphone", self.presence, on_fault)

        def work() -> None:
            try:
                while stream.is_open:
                    stream.call(partial(on_block, recording.read()))
            except DeviceFailed:
                stream.fail("failed")
            finally:
                recording.end()

        self._stream, self._recording = stream, recording
        stream.start(work)

    def close(self) -> None:
        """Stop."""
        stream, self._stream = self._stream, None
        if stream is not None and self._recording is not None:
            stream.close(self._recording.interrupt)

    def usb(self) -> UsbDevice | None:
        """The USB device it is now; None if it is on no USB, or not there."""
        return _usb(self._find, self._server.microphones)

    def _find(self) -> str:
        wanted = resolve("microphone", self._wanted, self._server.microphones)
        return choose("microphone", wanted, self._server.sources(), self._server.default_source)


class PulseSpeaker:
    """The speaker that `wanted` names; empty: the default or only one. The volume is ours, not the server's."""

    def __init__(self, server: SoundServer, wanted: str = "") -> None:
        self._server = server
        self._wanted = wanted
        self._gain = gain(100)
        self._stream: _Stream | None = None
        self._playback: Playback | None = None

    def presence(self) -> DeviceState:
        """Whether the server has it."""
        return presence_of(self._find)

    def open(self, next_block: Callable[[], Block], on_fault: OnFault) -> None:
        """Play; HardwareError if it cannot."""
        if self._stream is not None:
            raise DeviceFailed("the speaker is open already")
        playback = self._server.play(self._find())
        stream = _Stream("speaker", self.presence, on_fault)
        self._stream, self._playback = stream, playback
        stream.start(lambda: self._play(stream, playback, next_block))

    def set_volume(self, percent: int) -> None:
        """0 to 100."""
        self._gain = gain(percent)

    def close(self) -> None:
        """Stop playing."""
        stream, self._stream = self._stream, None
        if stream is not None and self._playback is not None:
            stream.close(self._playback.interrupt)

    def _play(self, stream: _Stream, playback: Playback, next_block: Callable[[], Block]) -> None:
        blocks: list[Block] = []
        try:
            while stream.is_open:
                stream.call(lambda: blocks.append(next_block()))
                while blocks:
                    playback.write(amplify(blocks.pop(), self._gain))
        except DeviceFailed:
            stream.fail("failed")
        finally:
            playback.end()

    def usb(self) -> UsbDevice | None:
        """The USB device it is now; None if it is on no USB, or not there."""
        return _usb(self._find, self._server.speakers)

    def _find(self) -> str:
        wanted = resolve("speaker", self._wanted, self._server.speakers)
        return choose("speaker", wanted, self._server.sinks(), self._server.default_sink)


def _usb(find: Callable[[], str], devices: Callable[[], list[SoundDevice]]) -> UsbDevice | None:
    try:
        name = find()
        return next((device.usb for device in devices() if device.name == name), None)
    except HardwareError:
        return None


def cancels_echo(microphone: PulseMicrophone, speaker: PulseSpeaker) -> bool:
    """Whether both are one speakerphone that cancels its own echo."""
    return bool(speakerphone(microphone.usb(), speaker.usb()))
