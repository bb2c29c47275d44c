"""What we take for granted of livekit's audio processing: it cancels, it keeps to itself, and how its calls are named.

A new version that opens a socket, takes a signal or cancels less must fail here and not in a home.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from device.hardware.ports import BLOCK, SAMPLE_RATE
from device.media.acoustics.voice import Voice, _Call, load_voice
from device.media.errors import CancellerFailed
from tests.bench.echo_room import Room, Scene, voice

_KEEPS_TO_ITSELF = """
import json, os, signal, sys
import numpy as np
from device.media.acoustics.voice import load_voice

def sockets():
    files = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
    return {os.readlink(file) for file in files if os.path.exists(file)}

def network():
    tables = [f"/proc/self/net/{kind}" for kind in ("tcp", "tcp6", "udp", "udp6", "packet")]
    lines = [line.split() for table in tables if os.path.exists(table) for line in open(table)]
    return {f"socket:[{word}]" for line in lines for word in line}

def signals():
    caught = [line for line in open("/proc/self/status") if line.startswith(("SigCgt", "SigIgn", "SigBlk"))]
    return caught, [str(signal.getsignal(number)) for number in range(1, 32)]

before = signals()
voice = load_voice()
for _ in range(50):
    voice.process(np.zeros(480, np.int16), np.zeros(480, np.int16), 50)
print(json.dumps({"network": sorted(sockets() & network()), "signals": before == signals()}))
"""


@pytest.fixture(scope="module")
def library() -> Voice:
    return load_voice()


def test_it_opens_no_network_and_takes_no_signal() -> None:
    done = subprocess.run([sys.executable, "-c", _KEEPS_TO_ITSELF], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"network": [], "signals": True}


def test_it_is_not_loaded_by_whoever_only_names_it() -> None:
    code = "import sys, device.media.media; sys.exit('livekit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_it_takes_the_echo_out_of_a_room(library: Voice) -> None:
    room, said = Room(Scene(delay_ms=60)), voice(8)
    heard, sent = [], []
    for far in said.reshape(-1, BLOCK):
        near = np.clip(room.hear(far), -32768, 32767).astype(np.int16)
        heard.append(near)
        sent.append(library.process(far, near, 60))
    last = slice(-200, None)
    powers = [np.mean(np.square(np.concatenate(sound[last]), dtype=np.float64)) for sound in (heard, sent)]
    assert 10 * np.log10(powers[0] / powers[1]) > 35


def test_it_lets_the_resident_through(library: Voice) -> None:
    said = voice(4, faster=1.5)
    silence = np.zeros(BLOCK, np.int16)
    sent = np.concatenate([library.process(silence, near, 60) for near in said.reshape(-1, BLOCK)])
    second = slice(2 * SAMPLE_RATE, 3 * SAMPLE_RATE)
    heard, through = (np.mean(np.square(sound[second], dtype=np.float64)) for sound in (said, sent))
    assert abs(10 * np.log10(through / heard)) < 3


def test_any_block_and_any_delay_is_taken(library: Voice) -> None:
    random = np.random.default_rng(1)
    for delay in (-1e9, -1.0, 0.0, 60.4, 499.6, 1e9):
        for level in (0, 1, 32767):
            far, near = (random.integers(-level, level + 1, BLOCK).astype(np.int16) for _ in range(2))
            sent = library.process(far, near, delay)
            assert sent.shape == (BLOCK,)
            assert sent.dtype == np.int16


def test_what_it_gives_back_stays_ours(library: Voice) -> None:
    first = library.process(np.zeros(BLOCK, np.int16), np.full(BLOCK, 5, np.int16), 60)
    kept = first.copy()
    library.process(np.zeros(BLOCK, np.int16), np.full(BLOCK, 999, np.int16), 60)
    assert np.array_equal(first, kept)


def test_a_library_that_cannot_be_loaded_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "livekit", None)
    with pytest.raises(CancellerFailed, match="cannot be loaded"):
        load_voice()


def test_a_refusal_of_the_library_is_an_error_of_ours(library: Voice) -> None:
    call = _Call(lambda message: message.apm_process_stream)
    memory = library._near.ctypes.data
    call.encode(apm_handle=1 << 40, data_ptr=memory, size=960, sample_rate=SAMPLE_RATE, num_channels=1)
    with pytest.raises(CancellerFailed, match="does not answer"):
        call()


def test_an_error_that_the_library_tells_is_told(library: Voice) -> None:
    call = _Call(lambda message: message.apm_process_stream)
    refusal = call._messages.FfiResponse()
    refusal.apm_process_stream.error = "not today"
    encoded = refusal.SerializeToString()
    dropped: list[int] = []
    call._arguments = (None,)
    call._request = lambda _: 7
    call._answer = ctypes.cast(ctypes.c_char_p(encoded), ctypes.POINTER(ctypes.c_ubyte))
    call._size = ctypes.c_size_t(len(encoded))
    call._drop = dropped.append
    with pytest.raises(CancellerFailed, match="not today"):
        call()
    assert dropped == [7], "its memory is given back"


def test_a_request_is_what_livekit_itself_would_ask(monkeypatch: pytest.MonkeyPatch, library: Voice) -> None:
    """The same bytes, so that a new field or another meaning of an old one shows here."""
    from livekit import rtc
    from livekit.rtc._ffi_client import FfiClient

    asked: list[Any] = []

    def request(client: object, message: Any) -> Any:
        asked.append(message)
        return type(message).FromString(b"")

    monkeypatch.setattr(FfiClient, "request", request)
    memory = bytearray(library._near.tobytes())
    frame = rtc.AudioFrame(memory, SAMPLE_RATE, 1, BLOCK)
    for ours, theirs, part in (
        (library._hear_far, library._module.process_reverse_stream, "apm_process_reverse_stream"),
        (library._hear_near, library._module.process_stream, "apm_process_stream"),
    ):
        with contextlib.suppress(AttributeError):  # the answer that we make up has no such part
            theirs(frame)
        message = asked.pop()
        own = type(message).FromString(bytes(ours._arguments[0]))
        getattr(message, part).data_ptr = getattr(own, part).data_ptr
        assert own == message
