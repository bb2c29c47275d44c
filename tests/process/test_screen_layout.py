"""Every scene on the real window, in the sizes and languages there are, with names of every length."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kiosk_ui.screen.palette import PALETTES
from tests.kits.servers.display import x_display

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
IN_ORDER = ("clock", "headline", "date", "name", "role", "sub", "notice", "bar")
MAY_BE_SHORTENED = {"role", "station"}  # beside a picture, with an ellipsis


@dataclass(frozen=True)
class Show:
    """One run of the stage: what stood on the window in each scene, and its picture."""

    names: str
    size: tuple[int, int]
    texts: dict[str, list[dict[str, Any]]]
    folder: Path

    def text(self, scene: str, name: str) -> str:
        found = [item["text"] for item in self.texts[scene] if item["name"] == name]
        return found[0] if found else ""

    def pixel(self, scene: str, across: float, down: float) -> tuple[int, int, int]:
        with Image.open(self.folder / f"{scene}.png") as image:
            x, y = int(across * (image.width - 1)), int(down * (image.height - 1))
            red, green, blue = image.convert("RGB").getpixel((x, y))  # type: ignore[misc]
            return red, green, blue


RUNS = [
    ("1280x800", "da", "ordinary"),
    ("1280x800", "da", "long"),
    ("800x480", "da", "long"),
    ("800x480", "en", "ordinary"),
    ("1920x1080", "en", "long"),
    ("1920x1080", "en", "missing"),
]


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with x_display() as name:
        yield name


@pytest.fixture(scope="module", params=RUNS, ids="-".join)
def show(request: pytest.FixtureRequest, display: str, tmp_path_factory: pytest.TempPathFactory) -> Show:
    size, language, names = request.param
    folder = tmp_path_factory.mktemp("scenes")
    done = subprocess.run(
        [sys.executable, "-m", "tests.process.screen_stage", folder, size, language, names],
        cwd=ROOT,
        env={**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "QT_FATAL_WARNINGS": "0"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "qml" not in done.stderr.lower(), done.stderr  # a broken binding is told on stderr only
    told = [json.loads(line) for line in done.stdout.splitlines()]
    width, height = map(int, size.split("x"))
    assert {(scene["width"], scene["height"]) for scene in told} == {(width, height)}
    return Show(names, (width, height), {scene["scene"]: scene["texts"] for scene in told}, folder)


def test_no_text_is_cut_or_leaves_the_window(show: Show) -> None:
    width, height = show.size
    wrong = [
        (scene, item["name"], item["text"])
        for scene, items in show.texts.items()
        for item in items
        if (item["cut"] and item["name"] not in MAY_BE_SHORTENED)
        or item["x"] < 0
        or item["y"] < 0
        or item["x"] + item["painted_width"] > width + 1
        or item["y"] + item["painted_height"] > height + 1
    ]
    assert wrong == []


def test_no_text_stands_on_another(show: Show) -> None:
    for scene, items in show.texts.items():
        column = [item for name in IN_ORDER for item in items if item["name"] == name]
        for above, below in itertools.pairwise(column):
            if below["name"] == "bar":
                assert above["y"] + above["painted_height"] <= below["y"] + 1, (scene, above, below)
            else:
                assert above["y"] + above["painted_height"] * 0.95 <= below["y"], (scene, above, below)


def test_the_name_on_the_picture_leaves_the_live_sign_free(show: Show) -> None:
    for scene in ("in_call", "in_call_frozen"):
        found = {item["name"]: item for item in show.texts[scene]}
        assert found["name"]["x"] + found["name"]["painted_width"] < found["live"]["x"] - 0.04 * show.size[1]


def test_what_matters_is_large_enough_to_be_read_across_a_room(show: Show) -> None:
    least = 0.04 if show.names == "long" else 0.068  # of the screen's height, for a line
    for scene, items in show.texts.items():
        for item in items:
            if item["name"] in ("headline", "bar", "clock") and item["text"]:
                line = item["painted_height"] / item["lines"] / show.size[1]
                assert line >= least, (scene, item["name"], item["text"], line)


def test_every_scene_says_something_and_nothing_is_a_placeholder(show: Show) -> None:
    for scene, items in show.texts.items():
        assert any(item["name"] in ("headline", "clock", "name") for item in items), scene
        assert not any("{" in item["text"] or item["text"] == "undefined" for item in items), scene


def test_the_live_sign_is_red_and_there_exactly_when_something_is_open(show: Show) -> None:
    for scene in show.texts:
        live = scene.startswith(("calling", "connecting", "resuming", "in_call", "ending"))
        assert bool(show.text(scene, "live")) == live, scene
        red, green, blue = show.pixel(scene, 0.977, 0.058 if show.size[0] * 800 >= show.size[1] * 1280 else 0.05)
        assert (red > 2 * green and red > 2 * blue) == live, (scene, red, green, blue)


@pytest.mark.parametrize(
    ("scene", "tone"),
    [
        ("calling", "calling"),
        ("ringing", "ringing"),
        ("offline", "trouble"),
        ("fault_internal", "trouble"),
        ("away", "calm"),
    ],
)
def test_the_ground_has_the_tones_colour(show: Show, scene: str, tone: str) -> None:
    wanted = PALETTES[tone].ground  # type: ignore[index]
    assert "#{:02X}{:02X}{:02X}".format(*show.pixel(scene, 0.01, 0.5)) == wanted


def test_at_night_the_screen_at_rest_is_nearly_dark_and_a_ring_as_bright_as_by_day(show: Show) -> None:
    with Image.open(show.folder / "idle_night.png") as image:
        assert max(most for _, most in image.convert("RGB").getextrema()) <= 26  # a tenth, of white
    assert show.pixel("ringing_night", 0.01, 0.5) == show.pixel("ringing", 0.01, 0.5)


def test_the_other_sides_picture_fills_the_middle_in_its_own_colours(show: Show) -> None:
    red, green, blue = show.pixel("in_call", 0.5, 0.25)
    assert red > green > 100
    assert red > blue
    above, below = show.pixel("in_call", 0.5, 0.25), show.pixel("in_call", 0.5, 0.5)
    assert sum(above) > sum(below) + 150  # right way up


def test_a_picture_that_stands_still_is_dimmed_and_said(show: Show) -> None:
    live, frozen = show.pixel("in_call", 0.5, 0.25), show.pixel("in_call_frozen", 0.5, 0.25)
    assert sum(frozen) < sum(live) * 0.55
    assert show.text("in_call_frozen", "notice")


def test_without_a_picture_there_is_none_of_before(show: Show) -> None:
    for scene in ("in_call_no_picture", "in_call_camera_off"):
        red, green, blue = show.pixel(scene, 0.5, 0.02)
        assert max(red, green, blue) < 40, scene


def test_the_own_picture_is_small_and_in_the_corner(show: Show) -> None:
    red, _green, blue = show.pixel("in_call", 0.9, 0.7)
    assert blue > red + 50
    assert show.pixel("in_call", 0.25, 0.76)[2] < 150
