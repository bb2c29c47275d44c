"""Commands to stations as somebody types them, on both databases."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from messaging.times import read_rfc_3339
from region.cli import main

Shell = Callable[..., Any]


@pytest.fixture
def region(tmp_path: Path, empty_database: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    where = ["--data", str(tmp_path), "--database", empty_database]

    def run(*words: str, code: int = 0, told: bool = False) -> Any:
        """What it printed: JSON unless `told` or it fails, then text."""
        capsys.readouterr()
        assert main([*words, *where, *([] if told or code else ["--json"])]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out if told else json.loads(printed.out)

    table = "site;room\nSun;Room 1\nSun;Room 2\nMoon;Room 1\n"
    (tmp_path / "sites.csv").write_text("name\nSun\nMoon\n")
    (tmp_path / "stations.csv").write_text(table)
    for kind in ("sites", "stations"):
        run("import", str(tmp_path / f"{kind}.csv"))
    return run


def test_one_is_told_and_called_back_again(region: Shell) -> None:
    station = region("station", "list")[0]["station"]["id"]
    sent = region("command", "send", "identify", "seconds=30", "--station", station, "--why", "which one?",
                  "--expires", "30m")  # fmt: skip
    (given,) = sent["commands"]
    assert (given["type"], given["fields"], given["why"]) == ("identify", {"seconds": 30}, "which one?")
    assert _seconds(given) == 1800
    listed = region("command", "list", "--station", station, "--open", told=True)
    assert f"{given['id']}" in listed
    assert "not sent yet" in listed
    assert "Called back: identify" in region("command", "cancel", given["id"], told=True)
    assert "failed cancelled" in region("command", "list", told=True)
    assert region("command", "list", "--open") == []
    assert "ended already" in region("command", "cancel", given["id"], code=1)
    log = region("audit", "list", told=True)
    assert "command.give" in log
    assert "command.cancel" in log


def test_fields_stand_wherever_somebody_types_them_and_what_is_none_is_refused_in_our_words(region: Shell) -> None:
    station = region("station", "list")[0]["station"]["id"]
    orders = [
        ("identify", "--station", station, "seconds=30"), ("identify", "seconds=30", "--station", station),
        ("--station", station, "identify", "--why", "which one?", "seconds=30"),
    ]  # fmt: skip
    sent = [region("command", "send", *words)["commands"][0]["fields"] for words in orders]
    assert sent == [{"seconds": 30}] * 3
    refused = region("command", "send", "reboot", "--why", "new", "kernel", "--station", station, code=2)
    assert refused == (
        "region: kernel: what is that? Type: region command send TYPE FIELD=VALUE ... --station ID, with --station "
        'before each of several stations, and words that belong together in quotes, as in --why "new kernel"\n'
    )
    assert "st-2: what is that?" in region("command", "send", "reboot", "--station", station, "st-2", code=2)
    assert "--statoin: there is no such option" in region("command", "send", "reboot", "--statoin", station, code=2)
    assert "colour" in region("command", "send", "identify", "--station", station, "colour=red", code=1)
    assert len(region("command", "list")) == 3, "what was refused is not sent"


def test_other_commands_take_nothing_they_do_not_know(region: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        region("site", "list", "--colour", "red")
    assert stopped.value.code == 2
    assert "unrecognized arguments: --colour red" in capsys.readouterr().err


def test_many_are_told_only_once_somebody_has_seen_how_many(region: Shell) -> None:
    reboot = ("command", "send", "reboot", "--site", "Sun")
    assert "nothing was done" in region(*reboot, code=2)
    assert region("command", "list") == []
    sent = region(*reboot, "--yes", "--at", "2099-01-01T03:00Z", code=1)
    assert "days ahead" in sent
    sent = region(*reboot, "--yes")
    assert (len(sent["commands"]), sent["left_out"]) == (2, {})
    assert len(region("command", "list", "--batch", sent["batch"])) == 2
    back = region("command", "cancel", "--batch", sent["batch"])
    assert (len(back["called_back"]), back["too_late"]) == (2, [])
    assert "every one of them" in region("command", "cancel", "--batch", sent["batch"], code=1)
    told = region("command", "send", "renew", "--all", "--yes", told=True)
    assert told.startswith("Commanded: renew to 3 stations; together they are ")
    assert "gets it when it is back" in told


def test_how_a_station_came_in_is_told(region: Shell) -> None:
    station = region("station", "list")[0]["station"]["id"]
    assert region("station", "enrolment", station)["state"] == "no_code"
    region("station", "code", station)
    assert "code_waits, good until 2" in region("station", "enrolment", station, told=True)


def test_a_later_one_says_when(region: Shell) -> None:
    night = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).isoformat(timespec="seconds")
    station = region("station", "list")[0]["station"]["id"]
    assert "Not before " in region("command", "send", "self_test", "--station", station, "--at", night, told=True)
    (listed,) = region("command", "list")
    assert (listed["state"], listed["scheduled_at"]) == ("scheduled", listed["created_at"])
    (tonight,) = region("command", "send", "reboot", "--station", station, "--at", "tonight")["commands"]
    begins = datetime.datetime.fromisoformat(tonight["not_before"]).astimezone(ZoneInfo("Europe/Copenhagen"))
    assert (begins.hour, begins.minute) == (3, 0)
    assert _seconds(tonight) == 3600


def _seconds(command: dict[str, Any]) -> float:
    """How long it can be begun."""
    return round(read_rfc_3339(command["expires_at"]) - read_rfc_3339(command["not_before"]), 2)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("identify", "seconds", "--all", "--yes"), 2, "expected FIELD=VALUE"),
        (("identify", "seconds=x", "--all", "--yes"), 1, "seconds: a whole number"),
        (("identify", "minutes=3", "--all", "--yes"), 1, "does not say minutes"),
        (("volume", "percent=140", "--all", "--yes"), 1, "percent"),
        (("identify", "--station", "st-00000000"), 1, "no station st-00000000"),
        (("identify", "--site", "Mars"), 1, "no site Mars"),
        (("wipe", "station=st-00000000", "--all", "--yes"), 1, "one station at a time"),
        (("identify", "--all", "--yes", "--at", "soon"), 1, "Danish time"),
    ],
)
def test_what_cannot_be_is_told(region: Shell, words: tuple[str, ...], code: int, told: str) -> None:
    assert told in region("command", "send", *words, code=code)
    assert region("command", "list") == []


@pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "words",
    [("explode", "--all"), ("identify", "--all", "--expires", "soon")],
)  # fmt: skip
def test_what_is_typed_wrongly_is_a_usage_error(region: Shell, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        region("command", "send", *words)
    assert ended.value.code == 2


@pytest.mark.parametrize("empty_database", ["sqlite"], indirect=True)
def test_whom_is_said_in_one_way_and_by_the_filter_of_the_console(region: Shell) -> None:
    for words in ((), ("--all", "--site", "Sun"), ("--station", "st-00000000", "--where", "site=Sun")):
        assert "to whom?" in region("command", "send", "identify", *words, code=2)
    assert "no such filter" in region("command", "send", "identify", "--where", "colour=red", code=1)
    sent = region("command", "send", "identify", "--yes", "--where", "state=never_seen", "--where", "text=room 1")
    assert sorted(one["site"] for one in sent["commands"]) == ["Moon", "Sun"]
    listed = region("station", "list", "--site", "Sun", "--where", "text=2")
    assert [one["station"]["name"] for one in listed] == ["Room 2"]
    assert "no site Mars" in region("station", "list", "--site", "Mars", code=1)
