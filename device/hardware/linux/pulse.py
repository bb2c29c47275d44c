"""The sound server, PipeWire or PulseAudio: the only user of `soundcard`.

What `soundcard` 0.4 does not do is done here, on names it keeps to itself; tests/contract/test_soundcard_contract.py
holds them. It connects when it is imported, so the import waits until it is needed and the server answers. It never
reconnects, so a new copy is imported after the server was away. Ending a player waits for the server and aborts the
process if that is gone, so streams are ended without it. Playing to a server that is gone spins, so each block asks.
At exit it frees its loop, whose lock a thread of ours still takes then, and that aborts; so its lock is taken for good.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import socket
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from device.hardware.errors import DeviceFailed, DeviceMissing, HardwareError, wrapping
from device.hardware.linux.sound_devices import PROPERTIES, SoundDevice, usb_of
from device.hardware.ports import BLOCK, SAMPLE_RATE, Block

_PLAY_AHEAD = 2 * BLOCK  # samples the server holds for us: less runs dry on a busy machine, more is delay
_END_S = 0.5
_REST_S = 10.0  # between two tries at a server that refuses us: each leaves a thread of soundcard's behind
_MODULE = "soundcard.pulseaudio"
_log = logging.getLogger(__name__)
_left_behind: list[Any] = []  # kept alive, as the library may still call into them


class Recording(Protocol):
    """A stream from a microphone."""

    def read(self) -> Block:
        """The next 10 ms, when they are there; DeviceFailed when none will come."""

    def interrupt(self) -> None:
        """Make a waiting `read` give up, from another thread."""

    def end(self) -> None:
        """Give the stream back; by the thread that reads."""


class Playback(Protocol):
    """A stream to a speaker."""

    def write(self, block: Block) -> None:
        """Queue 10 ms, waiting until there is room; DeviceFailed when nobody plays them."""

    def interrupt(self) -> None:
        """Make a waiting `write` give up, from another thread."""

    def end(self) -> None:
        """Give the stream back, dropping what is queued; by the thread that writes."""


class SoundServer(Protocol):
    """What microphone and speaker need of a sound server. All raise HardwareError when it does not answer."""

    def sources(self) -> list[str]:
        """Names of the microphones; not the monitors of speakers."""

    def sinks(self) -> list[str]:
        """Names of the speakers."""

    def default_source(self) -> str:
        """The name of what the server would record from."""

    def default_sink(self) -> str:
        """The name of what the server would play to."""

    def microphones(self) -> list[SoundDevice]:
        """The sources again, with what they are."""

    def speakers(self) -> list[SoundDevice]:
        """The sinks again, with what they are."""

    def record(self, source: str) -> Recording:
        """Start recording, mono at 48 kHz."""

    def play(self, sink: str) -> Playback:
        """Start playing, mono at 48 kHz."""


class PulseServer:
    """The server that $PULSE_SERVER, else $XDG_RUNTIME_DIR, leads to. Connects when first asked for something."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._module: Any = None
        self._refused: tuple[float, HardwareError] | None = None  # when, and how

    def sources(self) -> list[str]:
        """Names of the microphones. Monitors are left out by their name: asking each what it is fails if one goes."""
        everything = [str(device.id) for device in self._ask("all_microphones", include_loopback=True)]
        return [name for name in everything if not name.endswith(".monitor")]

    def sinks(self) -> list[str]:
        """Names of the speakers."""
        return [str(device.id) for device in self._ask("all_speakers")]

    def default_source(self) -> str:
        """The default source's name; possibly a monitor, or nothing that is there."""
        return str(self._ask("default_microphone").id)

    def default_sink(self) -> str:
        """The default sink's name."""
        return str(self._ask("default_speaker").id)

    def microphones(self) -> list[SoundDevice]:
        """The sources, with the USB devices they are; not the monitors of speakers."""
        return [device for device in self._described("source") if not device.name.endswith(".monitor")]

    def speakers(self) -> list[SoundDevice]:
        """The sinks, with the USB devices they are."""
        return self._described("sink")

    def _described(self, kind: Literal["source", "sink"]) -> list[SoundDevice]:
        # soundcard asks for the same list and keeps only two of its fields.
        module, found = self._connected(), list[SoundDevice]()
        ffi = module._ffi

        def text(pointer: Any) -> str:
            return ffi.string(pointer).decode("utf-8", "replace") if pointer else ""

        @ffi.callback(f"pa_{kind}_info_cb_t")  # type: ignore[untyped-decorator]
        def callback(_context: Any, info: Any, ended: int, _userdata: Any) -> None:
            if not ended:
                told = {name: text(module._pa.pa_proplist_gets(info.proplist, name.encode())) for name in PROPERTIES}
                found.append(SoundDevice(text(info.name), text(info.description), usb_of(told)))

        getattr(module._pulse, f"_pa_context_get_{kind}_info_list")(module._pulse.context, callback, ffi.NULL)
        return found

    def record(self, source: str) -> Recording:
        """Start recording."""
        module = self._connected()
        return _Recording(module, _enter(module._Recorder(source, SAMPLE_RATE, 1, BLOCK), source))

    def play(self, sink: str) -> Playback:
        """Start playing."""
        module = self._connected()
        return _Playback(module, _enter(module._Player(sink, SAMPLE_RATE, 1, _PLAY_AHEAD), sink))

    def _ask(self, question: str, **how: bool) -> Any:
        module = self._connected()
        try:
            return getattr(module, question)(**how)
        except (IndexError, KeyError, RuntimeError) as error:
            # How soundcard says that there is no such device, or that it went while being asked about.
            raise DeviceMissing(f"the sound server has no such device ({question}: {error})") from error

    def _connected(self) -> Any:
        with self._lock:
            if self._module is None or not _ready(self._module):
                if self._refused and time.monotonic() - self._refused[0] < _REST_S:
                    raise DeviceFailed(str(self._refused[1]))
                try:
                    self._module = _connect()
                except DeviceFailed as error:
                    self._refused = time.monotonic(), error
                    raise
                self._refused = None
            return self._module


def server_socket() -> Path:
    """Where the sound server listens, by the environment; HardwareError if that says nothing we can use."""
    named = os.environ.get("PULSE_SERVER", "")
    if named:
        path = named.removeprefix("unix:")
        if not path.startswith("/"):
            raise HardwareError(f"PULSE_SERVER={named}: name the sound server's Unix socket, as unix:/path")
        return Path(path)
    if own := os.environ.get("PULSE_RUNTIME_PATH"):
        return Path(own) / "native"
    if session := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(session) / "pulse" / "native"
    raise DeviceMissing("no sound server: neither PULSE_SERVER nor XDG_RUNTIME_DIR says where it is")


def _connect() -> Any:
    old = sys.modules.get(_MODULE)
    if old is not None and _ready(old):
        return old
    path = server_socket()
    # An import that fails leaves a thread behind, so the door is tried first.
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.connect(str(path))
        except OSError as error:
            raise DeviceMissing(f"no sound server answers at {path}: {error.strerror}") from error
    sys.modules.pop(_MODULE, None)  # an older one's server is gone
    with wrapping(f"the sound server at {path} cannot be used"):
        module = importlib.import_module(_MODULE)
    atexit.unregister(module._pulse._shutdown)
    # Whoever calls the library from here on waits until the process has ended; so do its calls back into Python.
    atexit.register(module._pa.pa_threaded_mainloop_lock, module._pulse.mainloop)
    return module


def _ready(module: Any) -> bool:
    return bool(module._pulse._pa_context_get_state(module._pulse.context) == module._pa.PA_CONTEXT_READY)


def _enter(stream: Any, name: str) -> Any:
    try:
        return stream.__enter__()
    except RuntimeError as error:
        raise DeviceFailed(f"{name} cannot be opened: {error}") from error


class _Stream:
    def __init__(self, module: Any, stream: Any) -> None:
        self._module = module
        self._stream = stream

    def interrupt(self) -> None:
        """Disconnect; whoever waits for this stream finds it ended."""
        self._module._pulse._pa_stream_disconnect(self._stream.stream)

    def end(self) -> None:
        """Disconnect and release."""
        self.interrupt()
        # The library calls back into Python until the stream has ended there too; released earlier, that would crash.
        until = time.monotonic() + _END_S
        while self._state() in (self._module._pa.PA_STREAM_CREATING, self._module._pa.PA_STREAM_READY):
            if time.monotonic() > until:
                _log.error("the sound server does not let go of a stream; it is left behind")
                _left_behind.append(self._stream)
                return
            time.sleep(0.001)
        self._module._pulse._pa_stream_unref(self._stream.stream)

    def _state(self) -> int:
        return int(self._module._pulse._pa_stream_get_state(self._stream.stream))


class _Recording(_Stream):
    def read(self) -> Block:
        """The next 10 ms."""
        try:
            heard = self._stream.record(BLOCK)[:, 0]
        except (RuntimeError, TypeError, ValueError) as error:  # a stream that has ended has nothing to give
            raise DeviceFailed(f"the microphone's stream has ended: {error}") from error
        block: Block = np.clip(heard * 32768.0, -32768, 32767).astype(np.int16)
        return block

    def interrupt(self) -> None:
        """Disconnect, and wake who waits."""
        super().interrupt()
        self._stream._record_event.set()


class _Playback(_Stream):
    def write(self, block: Block) -> None:
        """Queue 10 ms."""
        if self._state() != self._module._pa.PA_STREAM_READY:
            raise DeviceFailed("the speaker's stream has ended")
        self._stream.play(block.astype(np.float32) / 32768.0)
