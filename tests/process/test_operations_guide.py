"""The operator's guide, word for word: from an empty server to a station, backup, and a restore in another place."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioning.station.enrol import Enrolment
from provisioning.station.keystore import Keystore
from tests.kits.servers.broker import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "operations"
WITHIN_S = 240


class Server:
    """A server on which the region's user works in `home`; `data` is its REGION_DATA."""

    def __init__(self, home: Path) -> None:
        self.home, self.data = home, home / "data"
        self.ports = {"--port": free_port(), "--enrol-port": free_port(), "--broker-port": free_port()}
        bin_ = home / "bin"
        bin_.mkdir()
        region = bin_ / "region"
        region.write_text(f'#!/bin/sh\nexec {sys.executable} -m region.cli "$@"\n')
        region.chmod(0o755)
        (home / "passphrase").write_text("six random words are the best\n")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['--port']}"

    def run(self, script: str) -> str:
        """What somebody types, and what is answered to it."""
        path = f"{self.home / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-eu", "-c", script], cwd=self.home, text=True, capture_output=True, timeout=WITHIN_S, check=False,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "REGION_DATA": str(self.data),
                 "REGION": self.url},
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[None]:
        """As the unit would."""
        ports = [word for option, port in self.ports.items() for word in (option, str(port))]
        with (self.home / "log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "region.cli", "serve", "--data", str(self.data), *ports],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("The region is ready"), (self.home / "log").read_text()
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=WITHIN_S)


def typed(page: str) -> list[str]:
    """The blocks of a page that are typed as they stand."""
    return re.findall(r"^```sh\n(.*?)^```$", (PAGES / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


async def test_the_guide_leads_from_an_empty_server_to_a_station_and_back_after_the_server_is_lost(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path)
    ceremony, *living = typed("first-station.md")
    keeping, again = typed("backup.md")
    pinned = re.findall(r"[0-9a-f:]{64,}", server.run(ceremony))
    assert pinned, "the ceremony prints the root's SHA-256 for the minutes"
    assert not (server.data / "ca" / "root-key.pem").exists()
    with server.serving():
        told = "".join(server.run(block) for block in living)
        assert "/once/" in told
        assert "Stue 4" in told
        server.run(keeping)
        before = _holds(server)
    (card,) = (tmp_path / "cards").rglob("laegeknap-code.toml")

    shutil.rmtree(server.data)
    server.run(again)
    assert _holds(server) == before, "all is there"
    with server.serving():
        keystore = Keystore(tmp_path / "station")
        await Enrolment(keystore, card).enrol()
        identity = keystore.identity()
    assert identity is not None
    assert identity.station in str(before["stations"]), "a card made before the backup brings its station in"


def test_what_the_guide_says_is_run_daily_is_there(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.run("region migrate")
    for block in typed("monitoring.md"):
        server.run(block)


def test_a_script_works_as_the_page_of_the_api_shows(tmp_path: Path) -> None:
    server = Server(tmp_path)
    (block,) = typed("api.md")
    with server.serving():
        told = server.run(block)
    secret = (tmp_path / "api-token").read_text().split()[-1]
    assert f'"name":"command line ({secret[:11]})","role":"it_admin"' in told
    assert '"name":"Solgården"' in told
    assert (secret in told, "Import from the register" in told) == (False, True)
    assert (tmp_path / "api-token").stat().st_mode & 0o077 == 0
    (row,) = [one for one in json.loads(server.run("region audit list --json")) if one["action"] == "site.add"]
    assert row["actor"] == f"command line ({secret[:11]})"


def _holds(server: Server) -> dict[str, object]:
    """What somebody would look for after a restore."""
    asked = ("site list", "clinic list", "user list")
    found: dict[str, object] = {words: json.loads(server.run(f"region {words} --json")) for words in asked}
    stations = [one["station"] for one in json.loads(server.run("region station list --json"))]
    found["stations"] = [[one[name] for name in ("id", "name", "site", "room", "clinic")] for one in stations]
    return found
