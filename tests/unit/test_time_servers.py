"""Whom the station asks for the time: what timesyncd is told, and when it is started anew."""

from __future__ import annotations

import configparser
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.network.time_servers import (
    DROP_IN,
    RESTART,
    STOP,
    UNIT,
    SimulatedTimeServers,
    Timesyncd,
    drop_in,
    make_time_servers,
)
from device.runtime.tool import MISSING, Ran
from messaging.twin import Config

ROOT = Path(__file__).parents[2]
SERVERS = ("ntp.region.example", "192.0.2.7", "2001:db8::7")


class Bus:
    """What systemd is asked, and how it answers."""

    def __init__(self, answer: Ran = Ran(0)) -> None:  # noqa: B008 - frozen
        self.asked: list[tuple[str, ...]] = []
        self.answer = answer

    async def run(self, command: Sequence[str]) -> Ran:
        self.asked.append(tuple(command))
        return self.answer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / DROP_IN).parent.mkdir(parents=True)
    return tmp_path


def asked_by(content: bytes) -> list[str]:
    """The servers that timesyncd makes of a drop-in: an empty assignment empties the list (timesyncd.conf(5))."""
    servers: list[str] = []
    for row in content.decode().splitlines():
        if (found := re.fullmatch(r"NTP=(.*)", row)) is not None:
            servers = [*servers, *found[1].split()] if found[1] else []
    return servers


async def test_the_ones_of_the_config_are_asked_and_no_others(root: Path) -> None:
    bus = Bus()
    assert await Timesyncd(root, bus.run).use(SERVERS) == ""
    written = (root / DROP_IN).read_bytes()
    assert asked_by(written) == list(SERVERS)
    assert b"\nFallbackNTP=\n" in written, "the distribution's own are not asked"
    assert bus.asked == [RESTART]


async def test_what_has_not_changed_starts_nothing_anew(root: Path) -> None:
    bus = Bus()
    servers = Timesyncd(root, bus.run)
    for wanted in ((), SERVERS, SERVERS, (), ()):
        assert await servers.use(wanted) == ""
    assert not (root / DROP_IN).exists()
    assert bus.asked == [RESTART, RESTART]


async def test_liars_are_not_asked_any_more(root: Path) -> None:
    bus = Bus()
    await Timesyncd(root, bus.run).stop()
    assert bus.asked == [STOP]


@pytest.mark.parametrize("answer", [Ran(1, "", "Access denied"), Ran(MISSING, "", "busctl cannot be run")])
async def test_who_may_not_says_so(root: Path, answer: Ran, caplog: pytest.LogCaptureFixture) -> None:
    assert await Timesyncd(root, Bus(answer).run).use(SERVERS) == "not_permitted"
    assert answer.complaint in caplog.text


async def test_a_directory_that_is_not_ours_is_said(tmp_path: Path) -> None:
    assert await Timesyncd(tmp_path, Bus().run).use(SERVERS) == "not_permitted"


def test_a_simulated_station_leaves_the_computer_it_runs_on_alone(tmp_path: Path) -> None:
    assert isinstance(make_time_servers("sim", tmp_path), SimulatedTimeServers)
    assert isinstance(make_time_servers("rpi", tmp_path), Timesyncd)


@given(st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,40}", fullmatch=True), max_size=4))
def test_whatever_the_config_allows_is_asked_and_is_one_file_of_timesyncd(servers: list[str]) -> None:
    content = drop_in(tuple(servers))
    assert asked_by(content) == servers
    if servers:
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(content.decode())
        assert parser.sections() == ["Time"]


def test_polkit_lets_the_agent_start_and_stop_that_one_service() -> None:
    rules = (ROOT / "systemd/polkit/60-laegeknap-network.rules").read_text(encoding="utf-8")
    assert f'"{UNIT}"' in rules
    assert rules.count("org.freedesktop.systemd1") == 1
    assert 'subject.user != "laegeknap"' in rules
    assert rules.count("polkit.Result.YES") == 1


def test_the_agent_has_the_directory_and_the_config_the_field() -> None:
    folder = f"/{DROP_IN.rpartition('/')[0]}"
    assert f"d {folder} 0755 laegeknap laegeknap" in (ROOT / "systemd/tmpfiles.d/laegeknap.conf").read_text("utf-8")
    assert f"-{folder}" in (ROOT / "systemd/system/laegeknap-agent.service").read_text("utf-8")
    assert Config().time_servers == ()
