"""The screen's small parts: sizes, contrast, the heartbeat, finding the display."""

from __future__ import annotations

import dataclasses
import logging
import socket
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk_ui.screen import display, main
from kiosk_ui.screen.display import choose_platform, require_qt
from kiosk_ui.screen.errors import BadSize, DisplayMissing, QtMissing, ScreenError
from kiosk_ui.screen.geometry import fills, parse_size
from kiosk_ui.screen.heartbeat import Heartbeat
from kiosk_ui.screen.palette import PALETTES, Palette
from kiosk_ui.screen.shown import Tone


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tone", get_args(Tone))
def test_all_text_keeps_the_highest_contrast(tone: Tone) -> None:
    palette = PALETTES[tone]
    pairs = {
        "headline": (palette.ink, palette.ground),
        "sub": (palette.soft, palette.ground),
        "bar": (palette.bar_ink, palette.bar),
        "notice": (palette.plate_ink, palette.plate),
        "live sign": (palette.sign_ink, palette.sign),
    }
    too_faint = {name: round(contrast(*pair), 1) for name, pair in pairs.items() if contrast(*pair) < 7}
    assert too_faint == {}


@pytest.mark.parametrize("tone", get_args(Tone))
def test_the_button_sign_can_be_seen_on_its_bar(tone: Tone) -> None:
    palette = PALETTES[tone]
    assert contrast(palette.accent, palette.bar_ink) >= 3
    assert contrast(palette.bar_ink, palette.bar) >= 3


def test_every_tone_has_every_colour() -> None:
    assert set(PALETTES) == set(get_args(Tone))
    for palette in PALETTES.values():
        for field in dataclasses.fields(Palette):
            assert len(getattr(palette, field.name)) == 7


@pytest.mark.parametrize(("text", "size"), [("1280x800", (1280, 800)), ("800x480", (800, 480)), ("fullscreen", None)])
def test_a_size_is_read(text: str, size: tuple[int, int] | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "big", "1280", "1280x", "x800", "-1280x800", "1280X800", "12x8", "1280x800x2", "0x0"]
)
def test_a_size_that_is_none_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadSize, match='"fullscreen", or a width and a height'):
        parse_size(text)


@given(st.text())
def test_any_text_is_a_size_or_refused(text: str) -> None:
    try:
        size = parse_size(text)
    except BadSize:
        return
    assert size is None or min(size) >= 100


@pytest.mark.parametrize(
    ("picture", "frame", "fill"),
    [
        ((1280, 720), (1280, 720), True),
        ((1280, 720), (1280, 632), True),  # a wide picture over the bar: a little off top and bottom
        ((640, 480), (1280, 632), False),  # an old camera: heads would be cut
        ((640, 480), (1024, 700), True),
        ((720, 1280), (1280, 632), False),  # a telephone held upright
        ((0, 0), (1280, 632), False),
        ((640, 480), (0, 0), False),
    ],
)
def test_a_picture_fills_its_frame_only_when_little_is_lost(
    picture: tuple[int, int], frame: tuple[float, float], fill: bool
) -> None:
    assert fills(picture, frame) == fill


def test_life_is_told_only_of_frames_that_were_drawn() -> None:
    asked: list[bool] = []
    told: list[int] = []
    heart = Heartbeat(lambda: asked.append(True), told.append)
    heart.beat()
    assert (told, len(asked)) == ([], 1)
    heart.drawn()
    heart.drawn()
    heart.beat()
    heart.drawn()
    heart.beat()
    assert told == [2, 3]
    assert len(asked) == 3


def test_a_screen_that_stops_drawing_falls_silent_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []
    heart = Heartbeat(lambda: None, told.append)
    heart.drawn()
    with caplog.at_level(logging.WARNING):
        heart.beat()
        assert caplog.records == []
        heart.beat()
        heart.beat()
    assert told == [1]
    assert "nothing has been drawn" in caplog.text


def test_the_platform_that_was_chosen_by_hand_is_taken() -> None:
    assert choose_platform({"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}) == "offscreen"


def test_wayland_goes_before_x11(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(tmp_path / "wayland-1"))
        compositor.listen()
        environment = {"WAYLAND_DISPLAY": "wayland-1", "XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":0"}
        assert choose_platform(environment) == "wayland"


def test_an_x_server_of_another_machine_is_left_to_qt() -> None:
    assert choose_platform({"DISPLAY": "elsewhere:0"}) == "xcb"


@pytest.mark.parametrize(
    "environment",
    [{}, {"DISPLAY": ":4711"}, {"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": "/nonexistent"}],
)
def test_without_a_display_it_says_what_to_do(environment: dict[str, str]) -> None:
    with pytest.raises(DisplayMissing, match="cage -- station screen"):
        choose_platform(environment)


def test_a_missing_system_library_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(display.importlib, "import_module", broken)
    with pytest.raises(QtMissing, match=r"libGL\.so\.1.*apt-get install .*libgl1 .*libxcb-cursor0"):
        require_qt("xcb")


def test_a_missing_qt_names_the_python_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError("No module named 'PySide6'")

    monkeypatch.setattr(display.importlib, "import_module", absent)
    with pytest.raises(QtMissing, match=r"requirements/station\.lock"):
        require_qt("xcb")


def test_a_screen_that_cannot_be_shown_ends_with_2_and_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main.main(tmp_path, "fullscreen", "") == 2
    assert main.main(tmp_path, "wide", "") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("station screen: ") for line in lines)


def test_a_language_that_nobody_named_is_danish_and_loudly_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert main.fallback_language({"LC_ALL": "en_GB.UTF-8", "LANG": "da_DK"}) == "en"
        assert main.fallback_language({"LANG": "da_DK.UTF-8"}) == "da"
        assert caplog.records == []
        assert main.fallback_language({"LANG": "C"}) == "da"
    assert "Danish until the agent tells" in caplog.text


def test_the_errors_are_one_tree() -> None:
    assert all(issubclass(kind, ScreenError) for kind in (BadSize, DisplayMissing, QtMissing))
