"""A screen client that takes every picture and draws none: `python -m tests.bench.viewer RUNTIME_DIR`.

It polls the ring as the screen does, and needs the standard library alone, so that it weighs little itself. Commands on
standard input: `measure` (keep the strip of each picture's time code), `rest`, `forget`, and `report`, which prints one
JSON line: when the first picture came (Unix ms), how many, and of the kept ones [arrival in Unix ms, the strip's luma].
"""

from __future__ import annotations

import base64
import json
import selectors
import sys
import time
from pathlib import Path

from messaging.frames import Picture, RingReader
from messaging.local import REMOTE_RING

POLL_S = 0.004


class Viewer:
    """What has been seen."""

    def __init__(self, ring: Path) -> None:
        self._reader = RingReader(ring)
        self._measuring = False
        self._forget()

    def run(self) -> None:
        """Look and listen until standard input ends."""
        inputs = selectors.DefaultSelector()
        inputs.register(sys.stdin, selectors.EVENT_READ)
        while True:
            if inputs.select(POLL_S):
                line = sys.stdin.readline()
                if not line:
                    return
                self._obey(line.strip())
            picture = self._reader.read()
            if picture is not None:
                self._see(picture)

    def _obey(self, command: str) -> None:
        if command == "report":
            print(json.dumps({"first": self._first, "frames": self._frames, "strips": self._strips}), flush=True)
        elif command == "forget":
            self._forget()
        else:
            self._measuring = command == "measure"

    def _forget(self) -> None:
        self._first: float | None = None
        self._frames = 0
        self._strips: list[tuple[float, str]] = []

    def _see(self, picture: Picture) -> None:
        now = time.time()
        self._frames += 1
        if self._first is None:
            self._first = now * 1000
        if self._measuring:
            row = picture.height * 39 // 40 * picture.width
            strip = picture.planes[row : row + picture.width]
            self._strips.append((now * 1000, base64.b64encode(strip).decode()))


if __name__ == "__main__":
    Viewer(Path(sys.argv[1]) / REMOTE_RING).run()
