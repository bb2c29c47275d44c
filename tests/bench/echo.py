"""`make bench-echo`: what is left of the loudspeaker in what the station sends, in six rooms: build/bench/echo.json.

The path is the product's: the clinician's sound goes through `Loudspeaker` to the speaker of the linux backend, over
PipeWire into a room that is a process of its own, and back by the backend's microphone through `RoomSound`. The same
rooms with the library alone, in step and without threads, stand beside it for comparison.

Each room: twelve seconds of the clinician, then six of the resident alone, then eight of both. Of the echo: by how many
dB it is less, second by second (`erle_db`), over all the time from the sixth second on, or from five seconds after the
microphone was moved (`after_5_s_db`), and the worst second of it. Of the resident: STOI of what
is sent against what was said. `cost_ms` is CPU time of a block of 10 ms.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pystoi import stoi

from device.hardware.ports import BLOCK, SAMPLE_RATE, Block
from device.media.acoustics.room import USUAL_DELAY_MS, RoomSound
from device.media.acoustics.shaping import Shaping
from device.media.acoustics.voice import load_voice
from tests.bench.echo_room import Room, Scene, voice
from tests.kits.servers.pipewire import PipeWire, promptly, running_pipewire

OUT = Path("build/bench/echo.json")
FAR_S, NEAR_S, BOTH_S = 12, 6, 8
SECONDS = FAR_S + NEAR_S + BOTH_S
AFTER_S = 5
AIM_DB = 35.0
ROOMS: dict[str, tuple[float, Scene]] = {  # the whole delay that is aimed at, in ms, and the rest of the room
    "delay_60": (60, Scene()),
    "delay_160": (160, Scene()),
    "delay_400": (400, Scene()),
    "drift_100ppm": (100, Scene(drift_ppm=100)),
    "saturating_speaker": (100, Scene(saturates=True)),
    "moved_microphone": (100, Scene(moved_s=4)),
}
Sound = NDArray[np.int16]


def far() -> Sound:
    """What the clinician says: silent while the resident is to be heard alone."""
    said = voice(SECONDS)
    said[FAR_S * SAMPLE_RATE : (FAR_S + NEAR_S) * SAMPLE_RATE] = 0
    return said


def near() -> Sound:
    """What the resident says, from FAR_S on."""
    return voice(NEAR_S + BOTH_S, faster=1.5)


class Hearing:
    """Microphone blocks before and after, with what the processing cost."""

    def __init__(self) -> None:
        self.raw: list[Block] = []
        self.clean: list[Block] = []
        self.cost_s = 0.0

    def take(self, block: Block, heard: Callable[[Block], Block]) -> None:
        """One block."""
        begun = time.thread_time()
        clean = heard(block)
        self.cost_s += time.thread_time() - begun
        self.raw.append(block)
        self.clean.append(clean)

    def figures(self, scene: Scene) -> dict[str, Any]:
        """What the JSON has of one room."""
        raw, clean = (np.concatenate(blocks).astype(np.float64) for blocks in (self.raw, self.clean))
        begin = shift(raw[: FAR_S * SAMPLE_RATE], far()[: FAR_S * SAMPLE_RATE])
        seconds = [begin + n * SAMPLE_RATE for n in range(FAR_S - 1)]  # the last one ends in the resident's first word
        erle = [round(_db(raw[at : at + SAMPLE_RATE]) - _db(clean[at : at + SAMPLE_RATE]), 1) for at in seconds]
        settled = slice(seconds[AFTER_S + round(scene.moved_s or 0)], seconds[-1] + SAMPLE_RATE)
        # By how much the processing delays what it lets through, where nobody but the resident speaks.
        alone = slice((FAR_S + 1) * SAMPLE_RATE, (FAR_S + NEAR_S - 1) * SAMPLE_RATE)
        late = shift(np.append(clean[alone], np.zeros(SAMPLE_RATE)), raw[alone][: 2 * SAMPLE_RATE])
        return {
            "erle_db": erle,
            "after_5_s_db": round(_db(raw[settled]) - _db(clean[settled]), 1),
            "worst_second_db": min(erle[AFTER_S + round(scene.moved_s or 0) :]),
            "stoi_near": self._stoi(raw, clean, late, 0, NEAR_S),
            "stoi_both": self._stoi(raw, clean, late, NEAR_S, NEAR_S + BOTH_S),
            "stoi_both_untouched": self._stoi(raw, raw, 0, NEAR_S, NEAR_S + BOTH_S),
            "cost_ms": round(self.cost_s * 1000 / len(self.raw), 3),
            "starts_at": begin,
        }

    @staticmethod
    def _stoi(raw: NDArray[np.float64], heard: NDArray[np.float64], late: int, first: int, last: int) -> float | None:
        """The mean of pieces of two seconds, each aligned by itself: a busy machine may have lost 10 ms in between."""
        told = []
        for second in range(first, last, 2):
            said = near()[second * SAMPLE_RATE : (second + 2) * SAMPLE_RATE].astype(np.float64)
            around = max(0, (FAR_S + second) * SAMPLE_RATE - SAMPLE_RATE // 2)
            # Found in what the microphone heard, where it is whole.
            begin = around + shift(raw[around : around + 4 * SAMPLE_RATE], said) + late
            part = heard[begin : begin + len(said)]
            if len(part) == len(said):
                told.append(float(stoi(said, part, SAMPLE_RATE)))
        return round(float(np.mean(told)), 3) if told else None


def shift(sound: NDArray[Any], said: NDArray[Any]) -> int:
    """At which sample of `sound` `said` begins."""
    size = 1 << (len(sound) + len(said)).bit_length()
    product = np.fft.rfft(sound.astype(np.float64), size) * np.conj(np.fft.rfft(said.astype(np.float64), size))
    return int(np.abs(np.fft.irfft(product, size))[: len(sound)].argmax())


def library(scene: Scene) -> dict[str, Any]:
    """The library alone in this room."""
    processing, room, shaping, hearing = load_voice(), Room(scene), Shaping(), Hearing()
    # No yielding here: it is ours, and the difference is what it is worth.
    sound, said = far(), np.append(np.zeros(FAR_S * SAMPLE_RATE, np.int16), near())
    for at in range(0, SECONDS * SAMPLE_RATE, BLOCK):
        played = shaping.apply(sound[at : at + BLOCK])
        heard = np.clip(room.hear(played) + said[at : at + BLOCK], -32768, 32767).astype(np.int16)

        def clean(block: Block, played: Block = played) -> Block:
            return processing.process(played, block, USUAL_DELAY_MS)

        hearing.take(heard, clean)
    return hearing.figures(scene)


class Station:
    """The product's own path, from what the clinician says to what is sent."""

    def __init__(self, sound: Sound) -> None:
        from device.hardware.linux.pulse import PulseServer
        from device.hardware.linux.sound import PulseMicrophone, PulseSpeaker

        server = PulseServer()
        self.faults: list[str] = []
        self.hearing = Hearing()
        self.room = RoomSound()
        self.room.load(load_voice)
        self._shaping = Shaping()
        self._sound = sound
        self._at = -SAMPLE_RATE  # a second of silence: devices settle, as they do while it rings
        self.ended = threading.Event()
        self.began: int | None = None  # blocks heard when the first sound was given to the speaker
        self._microphone, self._speaker = PulseMicrophone(server), PulseSpeaker(server)
        self._microphone.open(lambda block: self.hearing.take(block, self.room.heard), self.faults.append)
        self._speaker.open(self._next, self.faults.append)

    def _next(self) -> Block:
        block = np.zeros(BLOCK, np.int16)
        if 0 <= self._at <= len(self._sound) - BLOCK:
            block = self.room.soften(self._shaping.apply(self._sound[self._at : self._at + BLOCK]))
            if self._at == 0:
                self.began = len(self.hearing.raw)
        elif self._at > len(self._sound) + SAMPLE_RATE:
            self.ended.set()
        self._at += BLOCK
        self.room.played(block)
        return block

    def close(self) -> None:
        """Shut both."""
        self._microphone.close()
        self._speaker.close()


@contextlib.contextmanager
def room_process(server: PipeWire, scene: Scene, directory: str) -> Any:
    """The room, running, on time where that is allowed."""
    said = Path(directory) / "near.npy"
    np.save(said, near())
    command = [sys.executable, "-m", "tests.bench.echo_stage", json.dumps(asdict(scene)), str(said), str(FAR_S)]
    with subprocess.Popen(command, env={**os.environ, **server.env}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        promptly(process.pid)
        try:
            yield
        finally:
            process.kill()


def station(server: PipeWire, scene: Scene, sound: Sound) -> tuple[Station, int]:
    """Run one room; the station, and the samples from speaker's thread to microphone's thread."""
    with tempfile.TemporaryDirectory() as directory, room_process(server, scene, directory):
        run = Station(sound)
        run.ended.wait(SECONDS + 20)
        run.close()
    if run.faults or run.began is None:
        raise RuntimeError(f"the sound server gave up: {run.faults}")
    run.hearing.raw, run.hearing.clean = run.hearing.raw[run.began :], run.hearing.clean[run.began :]
    raw = np.concatenate(run.hearing.raw)
    return run, shift(raw[: 4 * SAMPLE_RATE], sound[: 2 * SAMPLE_RATE])


def main(names: Sequence[str]) -> int:
    """Measure these rooms or all, write the file, and say what missed its aim."""
    cases: dict[str, Any] = {}
    with running_pipewire() as server:
        os.environ.update(server.env)
        prompt = promptly(os.getpid())
        _, base = station(server, Scene(), voice(3))
        base_ms = base * 1000 / SAMPLE_RATE
        print(f"from speaker to microphone without any room: {base_ms:.0f} ms", flush=True)
        for name, (delay_ms, rest) in ROOMS.items():
            if names and name not in names:
                continue
            scene = replace(rest, delay_ms=max(0.0, delay_ms - base_ms))
            run, delay = station(server, scene, far())
            cases[name] = {
                **run.hearing.figures(scene),
                "delay_ms": round(delay * 1000 / SAMPLE_RATE),
                "stream": asdict(run.room.counts),
                "library": library(replace(rest, delay_ms=delay_ms)),
            }
            print(name, json.dumps(cases[name]), flush=True)
    missed = [name for name, case in cases.items() if case["after_5_s_db"] < AIM_DB]
    document = {
        "real_time": prompt,
        "path_ms": round(base_ms),
        "aim_db": AIM_DB,
        "missed": missed,
        "machine": platform.machine(),
        "cases": cases,
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{OUT}: {'all rooms reach' if not missed else ', '.join(missed) + ' miss'} {AIM_DB:.0f} dB")
    return 0


def _db(sound: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(sound**2) + 1.0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
