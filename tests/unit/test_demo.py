"""The demo's parts, without its processes: ports, places, words, what counts as ready."""

from __future__ import annotations

import argparse
import shlex
import socket
import stat
import subprocess
import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest

from messaging.clock import SystemClock
from messaging.enrolment import read_code_file
from messaging.twin import Config, Language
from region.demo import DemoError, add_arguments, main
from region.demo.display import has_display, in_memory, shown_on
from region.demo.furnish import furnish
from region.demo.plan import Places, Ports, make_root
from region.demo.ready import agent_ready, call_ready
from region.demo.texts import TEXTS
from region.registry import Registry, database_url
from tests.kits.station.fake import AGENT, IDLE, LIVE


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def four_ports() -> Ports:
    """Four free ports in a row, as good as that can be known."""
    for first in range(20_000, 30_000, 10):
        try:
            Ports(first).check_free()
        except DemoError:
            continue
        return Ports(first)
    raise AssertionError("no four ports are free")


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_a_taken_port_is_one_sentence_that_names_it_and_leaves_no_trace(
    four_ports: Ports, which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", four_ports.web + which))
        taken.listen()
        assert main(options("--port", str(four_ports.web))) == 2
    said = capsys.readouterr().err
    assert f"port {four_ports.web + which} is taken" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_language_is_told_the_two_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANG_UI", "sv")
    assert main(options()) == 2
    assert "en or da" in capsys.readouterr().err


def test_the_options_come_from_the_environment_as_make_passes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG_UI", "da")
    monkeypatch.setenv("DEMO_JSON", "/tmp/demo.json")
    assert (options().language, options().json_file) == ("da", Path("/tmp/demo.json"))
    monkeypatch.setenv("LANG_UI", "")
    monkeypatch.setenv("DEMO_JSON", "")
    assert (options().language, options().json_file) == ("en", None)


def test_a_missing_program_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("region.demo.processes.shutil.which", lambda name, path: None if name == "Xvfb" else name)
    assert main(options()) == 2
    assert "sudo apt-get install xvfb" in capsys.readouterr().err


def test_the_stations_config_is_read_as_it_was_meant(tmp_path: Path) -> None:
    places = Places(tmp_path / 'a "quoted" place')
    document = tomllib.loads(places.station_toml())
    assert document["station"]["hardware"] == "sim"
    assert document["station"]["runtime_dir"] == str(places.runtime)
    assert document["screen"]["mirror"] == str(places.mirror)


def test_its_directory_is_closed_to_others_and_its_sockets_names_are_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    root = make_root()
    try:
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        assert len(str(root / "run" / "agent.sock")) < 108
    finally:
        root.rmdir()


def test_nowhere_to_write_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("region.demo.plan.os.access", lambda path, mode: False)
    with pytest.raises(DemoError, match="TMPDIR"):
        make_root()


@pytest.mark.parametrize("language", ["en", "da"])
async def test_the_region_is_furnished_with_a_station_that_can_enrol(tmp_path: Path, language: Language) -> None:
    places = Places(tmp_path)
    places.make()
    registry = Registry(database_url(places.data))
    try:
        await registry.migrate()
        made = await furnish(registry, places, Ports(9000), language, TEXTS[language], SystemClock())
        async with registry.read() as t:
            (station,) = await t.stations.all()
            people = {person.name: person for person in await t.people.all()}
    finally:
        await registry.close()
    card = read_code_file(places.code_file.read_text())
    assert (card.station, card.broker) == (made.station, "127.0.0.1:9003")
    assert stat.S_IMODE(places.code_file.stat().st_mode) == 0o600
    assert station.clinic == TEXTS[language].clinic
    assert station.language == language
    assert people["clinic"].role == "clinician"
    assert people["fleet"].role == "it_admin"
    assert made.clinic_link.startswith("http://127.0.0.1:9000/once/")
    assert made.fleet_link.startswith("http://localhost:9000/once/"), "two sign-ins in one browser stay apart"


def test_ready_means_that_a_press_would_call() -> None:
    assert call_ready(IDLE)
    assert agent_ready(AGENT)
    assert not call_ready(None)
    assert not call_ready(replace(IDLE, state="offline"))
    assert not call_ready(LIVE)
    assert not agent_ready(None)
    assert not agent_ready(replace(AGENT, link="down"))
    assert not agent_ready(replace(AGENT, enrolled=False))
    assert not agent_ready(replace(AGENT, config=Config()))


def test_both_languages_say_everything() -> None:
    for texts in TEXTS.values():
        assert all(getattr(texts, field.name) for field in fields(texts))
        assert "3" in texts.ready.format(seconds=3.2)


def test_a_display_is_used_when_there_is_one() -> None:
    assert has_display({"DISPLAY": ":0"})
    assert has_display({"WAYLAND_DISPLAY": "wayland-0"})
    assert not has_display({"DISPLAY": ""})


def test_a_program_waits_for_its_display_and_is_told_its_number(tmp_path: Path) -> None:
    number = tmp_path / "the display's number"
    number.write_text("42\n")
    command = shown_on(number, ["python3", "-c", "import os; print(os.environ['DISPLAY'])"])
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ":42\n"
    assert shlex.quote(str(number)) in in_memory(number)[2]
