"""What looking at the room costs: framing, light and lens, on pictures of 640x360 and of the camera's usual sizes.

`make bench-viewing` writes build/bench/viewing.json: processor time as a share of one core, at 30 pictures a second,
half a minute of them, with somebody across the room; the time of the encoder's thread apart from the watcher's.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import av
import cv2
import numpy as np

from device.hardware.ports import Frame
from device.media.viewing.room import RoomView
from device.media.viewing.watching import Looking, Watcher, load_finder

RESULT = Path("build/bench/viewing.json")
PORTRAIT = Path(__file__).parent.parent / "pictures" / "astronaut.jpg"
FPS, SECONDS = 30, 30
SIZES = ((640, 360), (640, 480), (1280, 720))


class Bystander(Watcher):
    """A watcher that is looked with by hand, so that its time can be told from the encoder's."""

    def __init__(self) -> None:
        super().__init__()
        self.looking = Looking(load_finder)
        self.offered: Frame | None = None

    def start(self) -> None:
        """No thread."""

    def stop(self) -> None:
        """No thread."""

    def offer(self, frame: Frame) -> None:
        """Kept for the next look."""
        self.offered = frame


def main() -> None:
    """Measure, print and write."""
    cv2.setNumThreads(1)
    figures = {f"{width}x{height}": measure(width, height) for width, height in SIZES}
    for size, shares in figures.items():
        print(f"{size:>9}  " + "  ".join(f"{name} {share:.1f} %" for name, share in shares.items()))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2) + "\n")


def measure(width: int, height: int) -> dict[str, float]:
    """Shares of a core in percent: `watching`, `showing` (crop, scaling, light), `all`."""
    pictures = [scene(width, height, step) for step in range(10)]
    now, watching, showing = 0.0, 0.0, 0.0
    watcher = Bystander()
    view = RoomView(lambda: now, watcher)
    view.start()
    for count in range(FPS * SECONDS):
        now = count / FPS
        began = time.process_time()
        view.look(pictures[count // 15 % len(pictures)], width, height)
        showing += time.process_time() - began
        if watcher.offered is not None:
            began = time.process_time()
            watcher.looking.look(watcher.offered)
            watching += time.process_time() - began
            watcher.offered = None
    if not watcher.looking.seen.faces or view.view.crop.size == 1:
        raise SystemExit("nobody was found in the picture: these figures would say nothing")
    shares = {"watching": watching, "showing": showing, "all": watching + showing}
    return {name: round(100 * spent / SECONDS, 2) for name, spent in shares.items()}


def scene(width: int, height: int, step: int) -> Frame:
    """A dim room with a window and somebody across it, who moves a little."""
    rgb = np.random.default_rng(5).integers(20, 40, (height, width, 3), dtype=np.uint8)
    rgb[height // 10 : height // 2, width // 20 : width // 4] = 140
    with av.open(str(PORTRAIT)) as file:
        person = next(file.decode(video=0)).to_ndarray(format="rgb24")
    side = height // 3
    left, top = width // 2 + step, height // 3
    rgb[top : top + side, left : left + side] = cv2.resize(person, (side, side), interpolation=cv2.INTER_AREA) // 2
    return Frame(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8), width, height, 0.0)


if __name__ == "__main__":
    main()
