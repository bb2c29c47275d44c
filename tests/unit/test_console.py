"""The technician's console: what it says, what it shows, what it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Button, RichLog, Static

from kiosk_ui.console.app import ConsoleApp
from kiosk_ui.console.main import main
from kiosk_ui.console.picture import half_blocks
from kiosk_ui.console.view import ConsoleView, bar, console_view
from kiosk_ui.words import Words
from messaging.call import Devices
from messaging.clock import SystemClock
from messaging.frames import Picture, RingWriter, plane_sizes
from messaging.local import OWN_RING, AgentView, CallView, Levels, LogLine, Press
from messaging.twin import Config
from tests.kits.eventually import eventually
from tests.kits.station.fake import AGENT, IDLE, LIVE, FakeStation, fake_station

ENGLISH = Words("en")


def said(call: CallView | None, agent: AgentView | None = AGENT) -> ConsoleView:
    return console_view(call, agent, ENGLISH)


def row(view: ConsoleView, label: str) -> tuple[str, str]:
    (found,) = (row for row in view.rows if row.label == label)
    return found.value, found.mood


def test_a_station_in_order_would_make_a_call() -> None:
    view = said(IDLE)
    assert (view.verdict, view.mood) == ("A call would work now.", "good")
    assert row(view, "Link") == ("up", "good")
    assert row(view, "Station")[0] == "Room 4 (st-k3m9q2x7, enrolled)"
    assert all(each.mood != "bad" for each in view.rows)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (None, "station-call"),
        (replace(IDLE, state="offline", light="fault"), "Link: down"),
        (replace(IDLE, state="fault", fault="no_clinic"), "not ready yet"),
        (replace(IDLE, state="fault", fault=None), "fault"),
    ],
)
def test_why_a_call_would_not_work(call: CallView | None, why: str) -> None:
    view = said(call)
    assert view.mood == "bad"
    assert view.verdict.startswith("A call would not work now: ")
    assert why in view.verdict


def test_a_missing_camera_is_a_warning_and_no_refusal() -> None:
    view = said(replace(IDLE, devices=Devices(camera="missing")))
    assert (view.verdict, view.mood) == ("A call would work now, but: Camera missing.", "warn")
    assert row(view, "Camera") == ("missing", "bad")


def test_a_call_going_on_is_said_with_its_peer() -> None:
    view = said(replace(LIVE, peer_name="the doctor"))
    assert view.verdict == "A call is going on."
    assert row(view, "Call")[0] == "in a call the doctor"


def test_how_the_last_call_ended_is_there_to_read_out() -> None:
    assert row(said(replace(IDLE, state="feedback", reason="media_lost")), "Call")[0] == "ended: media_lost"


def test_a_station_that_is_not_enrolled_says_why() -> None:
    agent = replace(AGENT, enrolled=False, enrolment_error="wrong_code", link="down", config=Config())
    view = said(replace(IDLE, state="fault", fault="not_enrolled"), agent)
    assert "not enrolled wrong_code" in row(view, "Station")[0]
    assert row(view, "Link") == ("down", "bad")


def test_an_agent_that_is_away_is_said_and_hides_no_call() -> None:
    view = said(IDLE, None)
    assert row(view, "Agent (station-agent)") == ("does not answer", "bad")
    assert view.mood == "good", "calls go on without the agent"


@given(st.one_of(st.none(), st.floats(-200, 50)))
def test_the_meter_is_always_as_wide(db: float | None) -> None:
    text = bar(db, 20)
    assert text == "" if db is None else text[:20].strip("█░") == ""


def test_the_meter_grows_with_the_level() -> None:
    full = [bar(db, 20).count("█") for db in (-80, -60, -30, 0, 10)]
    assert full == [0, 0, 10, 20, 20]


def picture(width: int, height: int, luma: int, u: int = 128, v: int = 128) -> Picture:
    sizes = plane_sizes(width, height)
    planes = b"".join(bytes([value]) * size for value, size in zip((luma, u, v), sizes, strict=True))
    return Picture(width, height, 0, 1, planes)


@pytest.mark.long
@given(st.integers(1, 80), st.integers(1, 40), st.sampled_from([(16, 16), (640, 480), (320, 576), (2, 2)]))
def test_a_picture_fits_its_place_whole(columns: int, rows: int, size: tuple[int, int]) -> None:
    lines = half_blocks(picture(*size, 90), columns, rows).plain.split("\n")
    assert 1 <= len(lines) <= rows
    assert {len(line) for line in lines} <= set(range(1, columns + 1))
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("yuv", "rgb"),
    [((16, 128, 128), (0, 0, 0)), ((235, 128, 128), (255, 255, 255)), ((81, 90, 240), (254, 0, 0))],
)
def test_the_colours_are_the_pictures_own(yuv: tuple[int, int, int], rgb: tuple[int, int, int]) -> None:
    style = half_blocks(picture(8, 8, *yuv), 4, 2).spans[0].style
    assert style.color is not None  # type: ignore[union-attr]
    assert style.color.triplet == pytest.approx(rgb, abs=1)  # type: ignore[union-attr]


def test_upper_and_lower_pixel_share_a_character() -> None:
    halves = bytes([235] * 8 + [16] * 8) + bytes([128] * 8)
    text = half_blocks(Picture(4, 4, 0, 1, halves), 4, 2)
    upper, lower = text.spans[0].style, text.spans[-1].style
    assert upper.color.triplet == upper.bgcolor.triplet == (255, 255, 255)  # type: ignore[union-attr]
    assert lower.color.triplet == lower.bgcolor.triplet == (0, 0, 0)  # type: ignore[union-attr]


@asynccontextmanager
async def console(runtime_dir: Path, fake: FakeStation | None = None) -> AsyncIterator[tuple[ConsoleApp, Pilot[None]]]:
    app = ConsoleApp(runtime_dir, SystemClock(), "en")
    async with app.run_test(size=(110, 40)) as pilot:
        if fake is not None:
            await eventually(lambda: fake.call.watched("levels") and fake.agent.watched("log"))
        yield app, pilot


def shown(app: ConsoleApp, name: str) -> str:
    return str(app.query_one(name, Static).render())


async def test_the_verdict_follows_the_station(tmp_path: Path) -> None:
    async with fake_station(tmp_path) as fake, console(tmp_path, fake) as (app, _):
        await eventually(lambda: "would work now." in shown(app, "#verdict"))
        fake.call.show(replace(IDLE, state="offline"))
        await eventually(lambda: "would not work" in shown(app, "#verdict"))
        await fake.call.stop()
        await eventually(lambda: "does not answer" in shown(app, "#verdict"))


@pytest.mark.parametrize("how", ["key", "button"])
async def test_a_press_reaches_the_station(tmp_path: Path, how: str) -> None:
    async with fake_station(tmp_path) as fake, console(tmp_path, fake) as (_, pilot):
        await (pilot.press("p") if how == "key" else pilot.click("#press"))
        await eventually(lambda: fake.asked == [Press()])


async def test_a_press_that_cannot_be_sent_is_said(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot):
        await pilot.press("p")
        await eventually(lambda: any("was not sent" in note.message for note in app._notifications))


async def test_a_refusal_is_said_with_its_word(tmp_path: Path) -> None:
    async with fake_station(tmp_path) as fake, console(tmp_path, fake) as (app, pilot):
        fake.refuse = "starting"
        await pilot.press("p")
        await eventually(lambda: any("starting" in note.message for note in app._notifications))


async def test_both_logs_are_read_there_and_markup_in_them_is_text(tmp_path: Path) -> None:
    async with fake_station(tmp_path) as fake, console(tmp_path, fake) as (app, _):
        fake.call.stream("log", LogLine("warning", "device.call", "[red]offer[/red] [", 1.0))
        fake.agent.stream("log", LogLine("info", "device.agent", "birth", 2.0))

        def lines() -> str:
            return "\n".join(strip.text for strip in app.query_one("#log", RichLog).lines)

        await eventually(lambda: "[red]offer[/red] [" in lines() and "device.agent: birth" in lines())


async def test_the_meters_and_the_picture_show_while_the_camera_is_open_and_no_longer(tmp_path: Path) -> None:
    ring = RingWriter(tmp_path / OWN_RING, 64, 48)
    try:
        async with fake_station(tmp_path, LIVE) as fake, console(tmp_path, fake) as (app, _):
            fake.call.stream("levels", Levels(-30, -60))
            sizes = plane_sizes(64, 48)
            ring.write(64, 48, 1, [bytes([128]) * size for size in sizes])
            await eventually(lambda: "-30 dB" in shown(app, "#meters") and "▀" in shown(app, "#own"))
            fake.call.show(IDLE)
            await eventually(lambda: "camera is off" in shown(app, "#own"))
            await eventually(lambda: "dB" not in shown(app, "#meters"))
    finally:
        ring.close()


async def test_it_speaks_the_stations_language(tmp_path: Path) -> None:
    agent = replace(AGENT, config=replace(AGENT.config, language="da"))
    async with fake_station(tmp_path, IDLE, agent) as fake, console(tmp_path, fake) as (app, _):
        await eventually(lambda: str(app.query_one("#press", Button).label) == "Tryk på knappen")
        await eventually(lambda: "Et opkald ville virke nu" in shown(app, "#verdict"))


async def test_q_leaves(tmp_path: Path) -> None:
    async with fake_station(tmp_path) as fake, console(tmp_path, fake) as (app, pilot):
        await pilot.press("q")
        assert app.return_code == 0


def test_without_a_terminal_it_says_what_to_use_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 2
    assert "station status --json" in capsys.readouterr().err


async def test_what_comes_while_it_closes_does_no_harm(tmp_path: Path) -> None:
    async with fake_station(tmp_path) as fake, console(tmp_path, fake) as (app, _pilot):
        line = LogLine("info", "device.call", "late", 0.0)
    app._show_pictures()
    app._log_line(line)
    app._changed()
    assert not app.is_running
