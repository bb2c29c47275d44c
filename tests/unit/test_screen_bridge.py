"""The seam to QML, and the mirror: names that agree on both sides, news only when there is news."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

import kiosk_ui.screen.window as window
from kiosk_ui.screen.bridge import Bridge, as_qml
from kiosk_ui.screen.follower import Follower
from kiosk_ui.screen.mirror import Mirror
from kiosk_ui.screen.shown import Noticed
from kiosk_ui.screen.view import screen_view
from tests.kits.clock import ManualClock
from tests.kits.station.screen_scenes import NOW, agent_view, call_view

QML = "\n".join(path.read_text() for path in window.QML.parent.glob("*.qml"))


def test_qml_asks_only_for_what_the_view_has_and_the_view_has_only_what_qml_asks_for() -> None:
    data = as_qml(screen_view(call_view("idle"), agent_view(), Noticed(NOW)))
    colours = set(data.pop("colours"))
    assert set(re.findall(r"\bview\.(\w+)", QML)) - {"colours"} == set(data) - {"tone", "language"}
    assert set(re.findall(r"\bcolours\.(\w+)", QML)) == colours


def test_every_qml_file_is_used() -> None:
    for path in window.QML.parent.glob("*.qml"):
        if path != window.QML:
            assert re.search(rf"(?<!import )\b{path.stem} {{", QML), path.name


@pytest.fixture
def bridge() -> tuple[Bridge, Follower, ManualClock, list[str]]:
    clock = ManualClock(wall=NOW)
    follower = Follower("da", 0.0)
    bridge = Bridge(follower, clock)
    news: list[str] = []
    bridge.viewChanged.connect(lambda: news.append("view"))
    bridge.shapesChanged.connect(lambda: news.append("shapes"))
    return bridge, follower, clock, news


def test_qml_hears_of_a_view_only_when_it_differs(
    bridge: tuple[Bridge, Follower, ManualClock, list[str]],
) -> None:
    seam, follower, _clock, news = bridge
    seam.refresh()
    assert news == []
    follower.call_said(call_view("ringing"), 0.0)
    seam.refresh()
    seam.refresh()
    assert news == ["view"]
    assert seam.property("view")["layout"] == "ringing"


async def test_the_time_in_a_call_moves_once_a_second_and_nothing_else_does(
    bridge: tuple[Bridge, Follower, ManualClock, list[str]],
) -> None:
    seam, follower, clock, news = bridge
    follower.call_said(call_view("in_call", connected_since=NOW, peer_camera=False), 0.0)
    seam.refresh()
    news.clear()
    for _ in range(12):
        await clock.advance(0.25)
        seam.refresh()
    assert news == ["view"] * 3
    assert seam.property("view")["elapsed"] == "0:03"


def test_qml_hears_of_a_pictures_shape_only_when_it_changes(
    bridge: tuple[Bridge, Follower, ManualClock, list[str]],
) -> None:
    seam, _follower, _clock, news = bridge
    for _ in range(3):
        seam.remote_shape((1280, 720), (1280, 632))
        seam.own_shape((320, 180))
    assert news == ["shapes", "shapes"]
    assert seam.property("cropRemote") is True
    assert seam.property("ownAspect") == pytest.approx(16 / 9)


def image(colour: str) -> QImage:
    picture = QImage(64, 40, QImage.Format.Format_RGB32)
    picture.fill(QColor(colour))
    return picture


def test_the_mirror_is_a_jpeg_and_is_written_only_when_the_picture_differs(tmp_path: Path) -> None:
    path = tmp_path / "mirror.jpg"
    mirror = Mirror(path)
    mirror.write(image("red"))
    first = path.stat().st_ino
    assert path.read_bytes().startswith(b"\xff\xd8")
    mirror.write(image("red"))
    assert path.stat().st_ino == first
    mirror.write(image("blue"))
    seen = QImage(str(path)).pixelColor(10, 10)
    assert seen.blue() > 200 > 60 > seen.red()
    assert [entry.name for entry in tmp_path.iterdir()] == ["mirror.jpg"]


def test_a_mirror_that_cannot_be_written_is_said_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "away" / "mirror.jpg"
    mirror = Mirror(path)
    with caplog.at_level(logging.ERROR):
        mirror.write(image("red"))
        mirror.write(image("blue"))
    assert len(caplog.records) == 1
    path.parent.mkdir()
    mirror.write(image("blue"))
    assert path.exists()
