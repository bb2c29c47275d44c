"""`station enrol`, with the agent running and without; and a whole agent that enrols itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from device.agent.enrol_command import enrol
from device.runtime.config import StationConfig, StationSection
from provisioning.station.keystore import Keystore
from tests.kits.servers.est_server import est_server
from tests.kits.station.agent import STATION, Station, SwiftClock


def _config(folder: Path) -> StationConfig:
    (folder / "state").mkdir(exist_ok=True)
    (folder / "run").mkdir(exist_ok=True)
    section = StationSection("sim", str(folder / "state"), str(folder / "run"), str(folder / "boot.toml"))
    return StationConfig(station=section)


async def _enrol(config: StationConfig, code_file: Path, within_s: float = 60.0) -> int:
    return await asyncio.to_thread(enrol, config, code_file, within_s)


async def test_without_the_agent_the_command_enrols_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        content = await region.print_code(tmp_path / "usb.toml")
        assert await _enrol(_config(tmp_path), tmp_path / "usb.toml") == 0
    out = capsys.readouterr()
    assert f"Enrolled as {STATION}." in out.out
    assert content.code not in out.out + out.err
    assert Keystore(tmp_path / "state").identity() is not None
    assert (tmp_path / "boot.toml").exists(), "the agent erases it once the broker has taken the birth"


async def test_a_refusal_is_said_with_its_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        content = await region.print_code(tmp_path / "boot.toml")
        region.store.rows.clear()
        assert await _enrol(_config(tmp_path), tmp_path / "boot.toml") == 1
    err = capsys.readouterr().err
    assert "wrong_code" in err
    assert content.code not in err


async def test_what_is_no_code_file_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "usb.toml").write_text("hello")
    assert await _enrol(_config(tmp_path), tmp_path / "usb.toml") == 1
    assert "is not a code file of ours" in capsys.readouterr().err
    assert await _enrol(_config(tmp_path), tmp_path / "nowhere.toml") == 1
    assert "No such file" in capsys.readouterr().err
    assert not (tmp_path / "boot.toml").exists()


async def test_with_the_agent_the_command_hands_over_and_the_agent_finishes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path, SwiftClock())
        await station.start()
        await station.view(lambda view: view.enrolment_error == "no_code_file")
        content = await region.print_code(tmp_path / "usb.toml")
        assert await _enrol(station.config, tmp_path / "usb.toml") == 0
        assert f"Enrolled as {STATION}." in capsys.readouterr().out
        assert not station.code.exists()
        (birth,) = station.sent("up/birth")
        assert await region.enrolment.confirm(STATION, birth["certificate_expires"]), "the code burns at the birth"
        await station.until(lambda: station.sent("up/e/enrolled"))
        assert content.code.encode() not in b"".join(payload for _, _, payload in station.broker.log)
        await station.stop()


async def test_with_the_agent_a_refusal_is_said_and_the_same_file_can_be_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path, SwiftClock())
        await region.print_code(station.code)
        rows = dict(region.store.rows)
        region.store.rows.clear()
        await station.start()
        await station.view(lambda view: view.enrolment_error == "wrong_code")
        assert await _enrol(station.config, station.code) == 1
        assert "wrong_code" in capsys.readouterr().err
        region.store.rows.update(rows)
        assert await _enrol(station.config, station.code) == 0
        await station.stop()


async def test_a_new_identity_takes_over_in_a_running_agent_and_the_region_can_tell(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        station = Station(tmp_path, SwiftClock())
        station.enrol(region.authority)
        await station.start()
        await station.born()
        await region.print_code(tmp_path / "usb.toml")
        assert await _enrol(station.config, tmp_path / "usb.toml") == 0
        await station.until(lambda: len(station.sent("up/birth")) == 2)
        states = [(conn["state"], conn["bd"]) for conn in station.sent("up/conn/agent")]
        assert states == [("online", 1), ("offline", 1), ("online", 2)]
        await station.stop()


async def test_a_boot_partition_that_has_no_modes_takes_the_code_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_modes(_handle: int, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(tmp_path / "usb.toml")
        await region.stop()
        with monkeypatch.context() as patch:
            patch.setattr("os.fchmod", no_modes)
            assert await _enrol(_config(tmp_path), tmp_path / "usb.toml") == 1
    assert (tmp_path / "boot.toml").read_text() == (tmp_path / "usb.toml").read_text()
    assert (tmp_path / "boot.toml").stat().st_mode & 0o777 == 0o600


async def test_an_enrolled_station_keeps_working_while_a_bad_code_file_lies_there(tmp_path: Path) -> None:
    station = Station(tmp_path, SwiftClock())
    station.enrol()
    station.code.write_text("hello")
    await station.start()
    await station.born()
    view = await station.view(lambda view: view.enrolment_error != "")
    assert (view.enrolled, view.link, view.enrolment_error) == (True, "up", "code_file_malformed")
    await station.stop()


async def test_an_agent_that_never_answers_is_not_waited_for_without_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(tmp_path / "usb.toml")
        config = _config(tmp_path)
        silent = await asyncio.start_unix_server(_hold, tmp_path / "run" / "agent.sock")
        async with silent:
            assert await _enrol(replace(config), tmp_path / "usb.toml", 0.2) == 1
        assert "no result yet" in capsys.readouterr().err


async def _hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)
    writer.close()
