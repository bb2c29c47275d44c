"""The room as a process on the sound server: what the speaker's sink gets is heard in it, with what is said there.

    python -m tests.bench.echo_stage '{"delay_ms": 30.0, ...}' NEAR.npy NEAR_FROM_S

It uses the station's own way to the sound server, but nothing of what is measured.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from device.hardware.linux.pulse import PulseServer
from device.hardware.ports import BLOCK, SAMPLE_RATE
from tests.bench.echo_room import Room, Scene
from tests.kits.servers.pipewire import ROOM, SPEAKER


def main(scene: Scene, near_file: Path, near_from_s: float) -> None:
    """Until killed. The clock of the scene begins with the first sound that is played."""
    room, near = Room(scene), np.load(near_file)
    room.hear(np.zeros(BLOCK, np.int16))
    server = PulseServer()
    # Opened last: what would come while the room is made would wait for ever before what comes after it.
    mouth = server.play(ROOM)
    ear = server.record(f"{SPEAKER}.monitor")
    at = -1
    print("ready", flush=True)
    while True:
        played = ear.read()
        if at < 0 and not played.any():
            mouth.write(played)
            continue
        at += 1
        begin = at * BLOCK - round(near_from_s * SAMPLE_RATE)
        said = near[begin : begin + BLOCK] if 0 <= begin <= len(near) - BLOCK else 0
        mouth.write(np.clip(room.hear(played) + said, -32768, 32767).astype(np.int16))


if __name__ == "__main__":
    main(Scene(**json.loads(sys.argv[1])), Path(sys.argv[2]), float(sys.argv[3]))
