"""`region claim`: what stands on a station's screen, typed by whoever stands before it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from messaging.clock import SystemClock
from region.cli import main
from region.cli.typist import typist
from region.registry import Registry, database_url
from region.registry.records import AuditRow, Claim
from region.stations.claims import check_of


class Shell:
    """`region` with its data; and a claim put there as a station's ask would."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._data = data
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        assert main([*words, "--data", str(self._data)]) == code, self._capsys.readouterr()
        printed = self._capsys.readouterr()
        return printed.err if code else printed.out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))

    def claim(self, key: str = "ab", serial: str = "1000000000000001") -> str:
        """The six digits of a station that waits."""
        now = SystemClock().wall()
        made = Claim(
            key * 32, "cd" * 32, "ef" * 16, serial, "192.0.2.17", "192.0.2.17", "waiting", None, now, now, None, ""
        )

        async def put() -> None:
            registry = Registry(database_url(self._data))
            async with registry.begin() as t:
                await t.claims.add(made)
            await registry.close()

        asyncio.run(put())
        return check_of(made)

    def log(self) -> list[AuditRow]:
        return [row for row in self.json("audit", "list") if row["action"].startswith("claim")]


@pytest.fixture
def region(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(tmp_path, capsys)
    shell("site", "add", "Solgården")
    shell("clinic", "add", "Bakkens Klinik")
    return shell


def test_a_station_is_let_into_a_new_room_by_the_digits_on_its_screen(region: Shell) -> None:
    digits = region.claim()
    assert digits in region("claim", "list")
    assert "192.0.2.17" in region("claim", "list")
    where = ("--site", "Solgården", "--room", "Stue 6", "--clinic", "Bakkens Klinik")
    station = region.json("claim", "approve", f"{digits[:3]} {digits[3:]}", *where)
    assert (station["room"], station["site"], station["clinic"]) == ("Stue 6", "Solgården", "Bakkens Klinik")
    assert station["serial"] == "1000000000000001"
    assert region("claim", "list").strip() == "No station waits."
    (row,) = region.log()
    assert (row["action"], row["actor"], row["station_id"]) == ("claim.approve", typist().actor, station["id"])


def test_one_whose_serial_number_was_given_in_advance_needs_its_digits_alone(region: Shell) -> None:
    station = region.json("station", "add", "Stue 4", "--site", "Solgården", "--serial", "1000000000000001")
    digits = region.claim()
    (waits,) = region.json("claim", "list")
    assert (waits["check"], waits["known"]) == (digits, station["id"])
    assert region.json("claim", "approve", digits)["id"] == station["id"]


def test_it_becomes_the_station_that_was_said(region: Shell) -> None:
    station = region.json("station", "add", "Stue 4", "--site", "Solgården")
    digits = region.claim()
    assert region.json("claim", "approve", digits, "--station", station["id"])["serial"] == "1000000000000001"


def test_what_is_refused_waits_no_more(region: Shell) -> None:
    digits = region.claim()
    assert "Refused" in region("claim", "refuse", digits)
    assert "see region claim list" in region("claim", "approve", digits, "--site", "Solgården", "--room", "1", code=1)
    assert [row["action"] for row in region.log()] == ["claim.refuse"]


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        ((), "Say --station, or --site and --room", 2),
        (("--site", "Solgården"), "--site needs --room", 2),
        (("--room", "Stue 6"), "--room and --clinic go with --site", 2),
        (("--site", "Nowhere", "--room", "1"), "Nowhere", 1),
        (("--site", "Solgården", "--room", "1", "--clinic", "Nobody"), "no clinic Nobody", 1),
        (("--station", "st-00000000"), "st-00000000", 1),
    ],
)
def test_what_cannot_be_is_said_and_the_station_goes_on_waiting(
    region: Shell, words: tuple[str, ...], told: str, code: int
) -> None:
    digits = region.claim()
    assert told in region("claim", "approve", digits, *words, code=code)
    assert [one["check"] for one in region.json("claim", "list")] == [digits]
    assert region.log() == []


def test_digits_that_no_station_shows_let_nobody_in(region: Shell) -> None:
    digits = region.claim()
    wrong = f"{(int(digits) + 1) % 1_000_000:06}"
    assert wrong in region("claim", "approve", wrong, "--site", "Solgården", "--room", "1", code=1)
    assert wrong in region("claim", "refuse", wrong, code=1)
    assert region.log() == []


def test_a_clinic_gets_another_name_or_number(region: Shell) -> None:
    changed = region.json("clinic", "set", "Bakkens Klinik", "--phone", "+45 12 34 56 78")
    assert (changed["name"], changed["phone"]) == ("Bakkens Klinik", "+45 12 34 56 78")
    assert region.json("clinic", "set", "Bakkens Klinik", "--name", "Dalens Klinik")["phone"] == "+45 12 34 56 78"
    assert "No change" in region("clinic", "set", "Dalens Klinik")
    assert "no clinic Bakkens Klinik" in region("clinic", "set", "Bakkens Klinik", "--phone", "", code=1)
