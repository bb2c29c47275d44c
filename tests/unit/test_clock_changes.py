"""The nights on which the clocks change, and the last of the year, as a station in Denmark lives through them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.call.consent import answers_itself
from device.call.manner import manner_of
from kiosk_ui.screen.shown import Noticed, ScreenView
from kiosk_ui.screen.view import screen_view
from messaging.opening import is_open
from messaging.settings import AutoAnswer, Night, Opening, Span, Week
from messaging.twin import Config
from region.daytime import ZONE
from tests.kits.station.screen_scenes import agent_view, call_view

UNITS = Path(__file__).parents[2] / "systemd" / "system"
EVERY_DAY = Opening(Week(*[(Span("08:00", "16:00"),)] * 7), closed=("2026-12-31", "2027-01-01"))
NIGHT = Night(on=True, begins="22:00", ends="07:00", brightness=10)


@pytest.fixture(autouse=True)
def denmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", ZONE)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(utc: str) -> ScreenView:
    """The screen at rest at this moment, by the clinic's hours and the station's night."""
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    agent = agent_view(opening=EVERY_DAY, night=NIGHT)
    return screen_view(call_view("idle", since=now.timestamp() - 60), agent, Noticed(now.timestamp()))


@pytest.mark.parametrize(
    ("utc", "clock", "opens", "dark"),
    [
        # 25 October 2026: two o'clock comes twice, and the night is an hour longer.
        ("2026-10-24T20:30", "kl. 22.30", "i morgen kl. 08.00", True),
        ("2026-10-25T00:30", "kl. 02.30", "i dag kl. 08.00", True),
        ("2026-10-25T01:30", "kl. 02.30", "i dag kl. 08.00", True),
        ("2026-10-25T05:59", "kl. 06.59", "i dag kl. 08.00", True),
        ("2026-10-25T06:00", "kl. 07.00", "i dag kl. 08.00", False),
        ("2026-10-25T07:00", "kl. 08.00", "", False),
        ("2026-10-25T15:00", "kl. 16.00", "i morgen kl. 08.00", False),
        # 28 March 2027: two o'clock does not come.
        ("2027-03-28T00:59", "kl. 01.59", "i dag kl. 08.00", True),
        ("2027-03-28T01:00", "kl. 03.00", "i dag kl. 08.00", True),
        ("2027-03-28T05:00", "kl. 07.00", "i dag kl. 08.00", False),
        ("2027-03-28T06:00", "kl. 08.00", "", False),
        # The last of the year: closed on both sides of midnight.
        ("2026-12-30T16:00", "kl. 17.00", "lørdag kl. 08.00", False),
        ("2026-12-31T22:59", "kl. 23.59", "lørdag kl. 08.00", True),
        ("2026-12-31T23:00", "kl. 00.00", "i morgen kl. 08.00", True),
    ],
)
def test_the_screen_goes_by_the_clock_on_the_wall(utc: str, clock: str, opens: str, dark: bool) -> None:
    view = shown(utc)
    assert view.clock == clock
    assert view.notice == (f"Lægerne ved Havnen har åbent igen {opens}" if opens else "")
    assert (view.brightness, view.tone) == ((10, "night") if dark else (100, "calm"))


def test_every_service_goes_by_the_clock_in_denmark_whatever_zone_its_image_was_made_with() -> None:
    """Raspberry Pi OS comes with London's, Debian with none: an hour wrong on the wall, at night and at the clinic."""
    shared = (UNITS / "laegeknap-.service.d" / "50-sandbox.conf").read_text(encoding="utf-8").splitlines()
    assert f"Environment=TZ={ZONE}" in shared
    others = [path.name for path in UNITS.rglob("*.service") if "TZ=" in path.read_text(encoding="utf-8")]
    assert others == [], "it is said in one place"


@pytest.mark.parametrize("day", ["2026-10-25", "2027-03-28", "2026-12-30"])
def test_screen_sound_and_button_agree_through_the_whole_day(day: str) -> None:
    """What the resident reads, what is heard and whom the button calls never part, in no minute of such a day."""
    midnight = datetime.fromisoformat(day).astimezone().timestamp()
    config = Config(opening=EVERY_DAY, night=NIGHT)
    seen = set()
    for minute in range(25 * 60):
        now = datetime.fromtimestamp(midnight + 60 * minute, UTC).astimezone()
        view = shown(now.astimezone(UTC).replace(tzinfo=None).isoformat())
        assert (view.notice == "") == is_open(EVERY_DAY, now), now
        assert (view.brightness == 10) == (manner_of(config, now).resting_lamp == 10), now
        seen.add((bool(view.notice), view.tone))
    assert seen == {(True, "night"), (True, "calm"), (False, "calm")}


@pytest.mark.parametrize(
    ("utc", "agreed"),
    [("2026-12-31T22:59", True), ("2026-12-31T23:01", False), ("2026-12-30T23:01", True)],
)
def test_a_consent_to_the_end_of_the_year_ends_with_it(utc: str, agreed: bool) -> None:
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC).astimezone()
    config = Config(auto_answer=AutoAnswer(True, "Resident", "Nurse", "2026-12-31"))
    assert answers_itself(config, now, "ntp", screen=True) == agreed
    asleep = replace(config, night=replace(NIGHT, quiet=True))
    assert not answers_itself(asleep, now, "ntp", screen=True), "not in a quiet night, whoever has agreed"
