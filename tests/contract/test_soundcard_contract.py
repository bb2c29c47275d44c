"""What we rely on in `soundcard` beyond its documentation, and what happens when the sound server dies.

Each runs in a process of its own: the failure that is guarded against is an abort of the whole process.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kits.servers.pipewire import MICROPHONE, ROOM, SPEAKER, PipeWire, missing_programs, running_pipewire, start

pytestmark = pytest.mark.system
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[PipeWire]:
    if lacking := missing_programs():
        pytest.fail(f"these programs are missing: {', '.join(lacking)}")
    with running_pipewire() as running:
        yield running


class Child:
    """A Python process on the server, told what to do line by line; it answers each with a line, or none if it died."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, line: str) -> str:
        """Say a line and read the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> str:
        """Read a line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def end(self) -> int:
        """Close its input and return how it ended."""
        self._process.communicate(timeout=20)
        return self._process.returncode


@pytest.fixture
def child(server: PipeWire) -> Iterator[Callable[[str], Child]]:
    with contextlib.ExitStack() as stack:

        def begin(code: str) -> Child:
            process = subprocess.Popen(
                [sys.executable, "-u", "-c", code, "station"],  # soundcard takes its name from the arguments
                cwd=ROOT,
                env={**os.environ, **server.env, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return Child(process)

        yield begin


def test_the_names_that_soundcard_keeps_to_itself_are_there(child: Callable[[str], Child]) -> None:
    code = """
import inspect, soundcard.pulseaudio as m
names = ["_pulse", "_pa", "_Recorder", "_Player", "all_microphones", "all_speakers", "default_microphone", "_ffi"]
calls = ["_pa_context_get_state", "_pa_stream_get_state", "_pa_stream_disconnect", "_pa_stream_unref", "_shutdown"]
calls += ["_pa_context_get_source_info_list", "_pa_context_get_sink_info_list"]
constants = ["pa_proplist_gets", "pa_threaded_mainloop_lock"]
constants += ["PA_CONTEXT_READY", "PA_STREAM_READY", "PA_STREAM_CREATING"]
lacking = [n for n in names if not hasattr(m, n)] + [n for n in calls if not hasattr(m._pulse, n)]
lacking += [n for n in constants if not hasattr(m._pa, n)]
for kind in (m._Recorder, m._Player):
    if list(inspect.signature(m._Stream.__init__).parameters)[1:5] != ["id", "samplerate", "channels", "blocksize"]:
        lacking.append("the stream's parameters")
if not hasattr(m._Recorder("x", 48000, 1, 480), "_record_event"):
    lacking.append("_record_event")
print("lacking:", lacking)
"""
    process = child(code)
    assert process.answer() == "lacking: []"
    assert process.end() == 0


def test_the_devices_are_listed_by_their_stable_names_and_no_monitor_is_a_microphone(
    server: PipeWire, child: Callable[[str], Child]
) -> None:
    process = child(
        "from device.hardware.linux.pulse import PulseServer as P; p = P()\n"
        "print(p.sources(), sorted(p.sinks()), p.default_source(), p.default_sink())"
    )
    assert process.answer() == f"['{MICROPHONE}'] ['{ROOM}', '{SPEAKER}'] {MICROPHONE} {SPEAKER}"
    assert process.end() == 0


STATION = """
import queue, sys
from device.hardware.linux.pulse import PulseServer
from device.hardware.linux.sound import PulseMicrophone, PulseSpeaker
from device.hardware.errors import HardwareError
from device.hardware.sound import silence
server, faults, blocks = PulseServer(), queue.Queue(), queue.Queue()
microphone, speaker = PulseMicrophone(server), PulseSpeaker(server)

def open_both():
    microphone.open(blocks.put, lambda word: faults.put("microphone " + word))
    speaker.open(silence, lambda word: faults.put("speaker " + word))
    for _ in range(5):
        blocks.get(timeout=5)

open_both()
print("open")
for line in sys.stdin:
    match line.strip():
        case "faults":
            print(sorted({faults.get(timeout=10), faults.get(timeout=10)}))
        case "close":
            microphone.close()
            speaker.close()
            print("closed")
        case "presence":
            print(microphone.presence(), speaker.presence())
        case "open":
            while not blocks.empty():
                blocks.get()
            open_both()
            print("open")
"""


@pytest.mark.parametrize("dies", ["pipewire-pulse", "pipewire"])
def test_the_station_outlives_its_sound_server_and_uses_the_next(
    server: PipeWire, child: Callable[[str], Child], dies: str
) -> None:
    process = child(STATION)
    assert process.answer() == "open"
    server.stop(dies)
    faults = process.ask("faults")
    assert "microphone" in faults, faults or "the process died"
    assert "speaker" in faults
    assert process.ask("close") == "closed"
    assert process.ask("presence") == ("missing missing" if dies == "pipewire-pulse" else "fault fault")
    if dies == "pipewire-pulse":
        start(server, "pipewire-pulse")
        server.answers("pipewire-pulse")
        server.furnish()
        assert process.ask("presence") == "ok ok"
        assert process.ask("open") == "open"
        assert process.ask("close") == "closed"
    assert process.end() == 0


def test_a_station_that_ends_with_its_devices_open_ends_in_order(child: Callable[[str], Child]) -> None:
    for _ in range(12):  # soundcard's own end aborted about one in four
        process = child(STATION)
        assert process.answer() == "open"
        assert process.end() == 0
