"""The fleet's table and its arguments: what counts as wrong, and that it is told."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import pytest

from region.demo.fleet import add_arguments
from region.demo.fleet.places import FleetPlaces, free_ports
from region.demo.fleet.record import CUT_OFF_WITHIN_S, Record, faults, told

WELL = Record(
    1, "card", station="st-00000001", room="Room 1", enrolled=True, certificate="a0b1c2d3e4f5", certificate_known=True,
    wanted=2, reported=2, applied=True, command="successful", done=True, renewal="successful", renewed="f5e4d3c2b1a0",
    renewed_known=True, up=True,
)  # fmt: skip
STOLEN = replace(
    WELL, number=2, station="st-00000002", door="screen", revoked=True, cut_off_s=0.8, refused=True, up=False
)


@pytest.mark.parametrize("record", [WELL, STOLEN], ids=["one of many", "the stolen one"])
def test_what_is_as_it_must_be_is_not_complained_of(record: Record) -> None:
    assert list(faults(record)) == []


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"enrolled": False}, "did not come in by its card"),
        ({"certificate": ""}, "no certificate"),
        ({"certificate_known": False}, "no certificate that the registry knows"),
        ({"wanted": 0, "reported": 0}, "not reported the config"),
        ({"reported": 1}, "not reported the config"),
        ({"reported": None}, "not reported the config"),
        ({"applied": False}, "does not work by the config"),
        ({"command": ""}, "the command: not given"),
        ({"command": "failed disk"}, "the command: failed disk"),
        ({"done": False}, "did what it did not do"),
        ({"renewal": "executing"}, "the renewal: executing"),
        ({"renewed": WELL.certificate}, "no new certificate"),
        ({"renewed": ""}, "no new certificate"),
        ({"renewed_known": False}, "no new certificate that the registry knows"),
        ({"up": False}, "is not connected"),
    ],
)
def test_each_thing_that_is_not_so_is_told_by_name_and_by_itself(what: dict[str, Any], said: str) -> None:
    (fault,) = faults(replace(WELL, **what))
    assert said in fault
    text = told([WELL, replace(WELL, number=3, station="st-00000003", **what)])
    assert f"st-00000003: {fault}" in text
    assert text.count("WRONG") == 1


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"cut_off_s": None}, "not cut off"),
        ({"cut_off_s": CUT_OFF_WITHIN_S + 0.1}, "not cut off within 5 s"),
        ({"up": True}, "connected again"),
        ({"refused": False}, "can still be commanded"),
    ],
)
def test_a_stolen_one_must_stay_out(what: dict[str, Any], said: str) -> None:
    (fault,) = faults(replace(STOLEN, **what))
    assert said in fault


def test_the_table_tells_each_station_and_nothing_more_where_all_is_well() -> None:
    head, first, second = told([WELL, STOLEN]).splitlines()
    assert head.split()[:4] == ["STATION", "ROOM", "DOOR", "CERTIFICATE"]
    assert "connected" in first
    assert first.split()[4:7] == ["c2d3e4f5", "2", "/"]
    assert second.endswith("revoked, cut off in 0.8 s")


def test_a_station_that_never_came_is_told_by_its_number() -> None:
    assert "station number 7: did not come in by its screen" in told([Record(7, "screen")])


@pytest.mark.parametrize("number", ["1", "0", "101", "many"])
def test_a_fleet_has_one_station_for_each_door_and_not_more_than_the_machine_bears(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args([]).stations == 25
    with pytest.raises(SystemExit):
        parser.parse_args(["--stations", number])
    assert "--stations" in capsys.readouterr().err


def test_three_doors_are_three_ports() -> None:
    ports = free_ports()
    assert len({ports.web, ports.enrolment, ports.broker}) == 3


def test_each_station_has_a_closed_directory_of_its_own_with_short_names(tmp_path: Any) -> None:
    places = FleetPlaces(tmp_path)
    one, other = places.station(1), places.station(100)
    one.make()
    assert one.folder.stat().st_mode & 0o077 == 0
    assert one.runtime != other.runtime
    assert len(str(other.runtime.relative_to(tmp_path) / "agent.sock")) < 20
    assert str(one.code_file) in one.config.read_text()
