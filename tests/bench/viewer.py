"""A screen client that takes every picture and draws none: `python -m tests.bench.viewer RUNTIME_DIR`.

It polls the ring as the screen does, more often while a time is measured by it, and needs the standard library alone,
so that it weighs little itself. Commands on standard input: `measure` (keep the strip of each picture's time code),
`rest`, `forget`, and `report`, which prints one JSON line: when the first picture came (Unix ms), how many, of the kept
ones [arrival in Unix ms, the strip's luma], and the `pauses` of more than half a second without one, [from, to] in Unix
ms, the last of which may go on. `keep FOLDER` measures, and keeps besides, in files of that folder, a picture's luma
now and then (`<arrival in Unix ms>_<width>x<height>.y`) and all that the simulated speaker plays (`<arrival>.s16`:
mono, 48 kHz).
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import sys
import time
from pathlib import Path

from messaging.frames import Picture, RingReader
from messaging.local import REMOTE_RING
from messaging.sound import SPEAKER_RING, SoundRingReader

POLL_S = 0.015  # as the screen
MEASURING_S = 0.004
GRAB_MS = 400  # as line.js
PAUSE_MS = 500  # as soak.js


class Viewer:
    """What has been seen."""

    def __init__(self, runtime_dir: Path) -> None:
        self._reader = RingReader(runtime_dir / REMOTE_RING)
        self._speaker = SoundRingReader(runtime_dir / SPEAKER_RING)
        self._measuring = False
        self._folder: Path | None = None
        self._grabbed = 0.0
        self._seen: float | None = None
        self._forget()

    def run(self) -> None:
        """Look and listen until standard input ends."""
        inputs = selectors.DefaultSelector()
        inputs.register(sys.stdin, selectors.EVENT_READ)
        said = b""
        while True:
            measuring = self._measuring or self._first is None
            if inputs.select(MEASURING_S if measuring else POLL_S):
                more = os.read(sys.stdin.fileno(), 4096)
                if not more:
                    return
                *lines, said = (said + more).split(b"\n")
                for line in lines:
                    self._obey(line.decode().strip())
            picture = self._reader.read()
            if picture is not None:
                self._see(picture)
            if self._folder is not None and (sound := self._speaker.read()):
                (self._folder / f"{time.time() * 1000:.3f}.s16").write_bytes(sound)

    def _obey(self, command: str) -> None:
        if command == "report":
            self._notice_pause(time.time() * 1000)
            told = {"first": self._first, "frames": self._frames, "strips": self._strips, "pauses": self._pauses}
            print(json.dumps(told), flush=True)
        elif command == "forget":
            self._forget()
        else:
            word, _, folder = command.partition(" ")
            self._measuring = word in ("measure", "keep")
            self._folder = Path(folder) if word == "keep" else None
            if self._folder is not None:
                self._speaker.read()  # what was played before is past

    def _forget(self) -> None:
        self._first: float | None = None
        self._frames = 0
        self._strips: list[tuple[float, str]] = []
        self._pauses: list[tuple[float, float]] = []

    def _notice_pause(self, now: float) -> None:
        if self._seen is not None and now - self._seen > PAUSE_MS:
            self._pauses = [one for one in self._pauses if one[0] != self._seen]
            self._pauses.append((self._seen, now))

    def _see(self, picture: Picture) -> None:
        now = time.time()
        self._frames += 1
        self._notice_pause(now * 1000)
        self._seen = now * 1000
        if self._first is None:
            self._first = now * 1000
        if self._measuring:
            row = picture.height * 39 // 40 * picture.width
            strip = picture.planes[row : row + picture.width]
            self._strips.append((now * 1000, base64.b64encode(strip).decode()))
        if self._folder is not None and now * 1000 - self._grabbed >= GRAB_MS:
            self._grabbed = now * 1000
            name = f"{now * 1000:.3f}_{picture.width}x{picture.height}.y"
            (self._folder / name).write_bytes(picture.planes[: picture.width * picture.height])


if __name__ == "__main__":
    Viewer(Path(sys.argv[1])).run()
