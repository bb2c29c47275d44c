"""Run as a program under a display: plays scenes on the real window and tells, as JSON lines, what stands on it.

`python -m tests.process.screen_stage <folder> <width>x<height> <language> <ordinary|long|missing>` writes
`<folder>/<scene>.png` for each scene, and a line with every visible text: its name, where it stands, if it was cut.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiosk_ui.screen.follower import Follower
from kiosk_ui.screen.geometry import parse_size
from messaging.frames import RingWriter
from messaging.local import OWN_RING, REMOTE_RING
from messaging.twin import Language
from tests.kits.clock import ManualClock
from tests.kits.station.screen_scenes import LONG, NOW, Scene, agent_view, scenes

MOST_TURNS = 50


def main(folder: Path, size: tuple[int, int], language: Language, names: str) -> None:
    """Play every scene in one window."""
    os.environ.setdefault("QSG_RENDER_LOOP", "basic")
    from PySide6.QtGui import QFont, QGuiApplication

    app = QGuiApplication([])
    font = QFont()
    font.setFamilies(["Noto Sans", "DejaVu Sans"])
    app.setFont(font)
    for scene in _named(language, names):
        with tempfile.TemporaryDirectory() as runtime:
            stage = Stage(app, Path(runtime), size, language)
            print(json.dumps(stage.play(scene, folder / f"{scene.name}.png"), ensure_ascii=False), flush=True)
            stage.close()


def _named(language: Language, names: str) -> list[Scene]:
    if names == "long":
        long = agent_view(language, clinic=LONG, site=LONG, station=LONG, phone="+45 70 12 34 56 lok. 123")
        return list(scenes(language, long, peer_name=LONG, peer_role=LONG))
    if names == "missing":
        return list(
            scenes(language, agent_view(language, clinic="", phone="", site="", station=""), peer_name="", peer_role="")
        )
    return list(scenes(language))


@dataclass
class _Item:
    item: Any

    def describe(self) -> dict[str, Any]:
        from PySide6.QtCore import QPointF

        item = self.item
        corner = item.mapToScene(QPointF(0, 0))
        return {
            "name": item.objectName(),
            "text": item.property("text"),
            "x": corner.x(),
            "y": corner.y(),
            "width": item.width(),
            "height": item.height(),
            "painted_width": item.property("contentWidth"),
            "painted_height": item.property("contentHeight"),
            "pixels": item.property("font").pixelSize(),
            "largest": item.property("largest"),
            "lines": item.property("lineCount"),
            "cut": item.property("truncated"),
            "colour": item.property("color").name(),
        }


class Stage:
    """The real window, with a clock that stands still."""

    def __init__(self, app: Any, runtime: Path, size: tuple[int, int], language: Language) -> None:
        from kiosk_ui.screen.window import ScreenWindow

        self._app = app
        self._clock = ManualClock(wall=NOW)
        self._follower = Follower(language, 0.0)
        self._window = ScreenWindow(runtime, self._follower, self._clock, lambda _frames: None)
        self._rings = {name: RingWriter(runtime / name, 640, 480) for name in (REMOTE_RING, OWN_RING)}
        self._window.show(size)

    def play(self, scene: Scene, picture: Path) -> dict[str, Any]:
        """Set the scene, wait until it is drawn, save it, and describe it."""
        if scene.agent is not None:
            self._follower.agent_said(scene.agent)
        if scene.call is not None:
            self._follower.call_said(scene.call, 0.0)
        self._clock._now = scene.away_for  # a jump, with nobody asleep on this clock
        self._clock.set_wall(NOW)
        if scene.remote:
            _paint(self._rings[REMOTE_RING], 640, 480, moving=True)
        if scene.own:
            _paint(self._rings[OWN_RING], 320, 240, moving=False)
        for _ in range(4):
            self._window._look()
        if scene.frozen:
            self._clock._now = 3.0
            self._clock.set_wall(NOW)
            _paint(self._rings[OWN_RING], 320, 240, moving=False)
            for _ in range(2):
                self._window._own.next(lambda: True) and self._follower.own_picture(3.0)
        self._window.bridge.refresh()
        image, items = self._drawn()
        image.save(str(picture))
        return {"scene": scene.name, "width": image.width(), "height": image.height(), "texts": items}

    def _drawn(self) -> tuple[Any, list[dict[str, Any]]]:
        """The window once it stays as it is: on a busy machine texts find their size in more than one turn."""
        before: list[dict[str, Any]] = []
        for _ in range(MOST_TURNS):
            for _ in range(3):
                self._app.processEvents()
            image = self._window.view.grabWindow()
            items = [_Item(item).describe() for item in _texts(self._window.view.rootObject())]
            if items == before:
                return image, items
            before = items
        raise AssertionError("what stands on the window does not come to rest")

    def close(self) -> None:
        """Take the window down."""
        self._window.close()
        for ring in self._rings.values():
            ring.close()


def _texts(item: Any) -> list[Any]:
    found = []
    if not item.isVisible():
        return found
    if item.metaObject().indexOfProperty("lineCount") >= 0 and item.property("text"):
        found.append(item)
    for child in item.childItems():
        found += _texts(child)
    return found


def _paint(ring: RingWriter, width: int, height: int, *, moving: bool) -> None:
    """A picture one can tell: a light upper half over a dark one, warm or cool."""
    half = width * height // 2
    luma = bytes([170]) * half + bytes([90]) * half
    blue, red = (110, 160) if moving else (160, 110)
    chroma = width * height // 4
    ring.write(width, height, int(NOW * 1e6), (luma, bytes([blue]) * chroma, bytes([red]) * chroma))


if __name__ == "__main__":
    wanted = parse_size(sys.argv[2])
    assert wanted is not None
    main(Path(sys.argv[1]), wanted, "da" if sys.argv[3] == "da" else "en", sys.argv[4])
