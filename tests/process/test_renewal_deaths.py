"""A station killed with SIGKILL at every step of enrolment and of renewal: it comes back the same, nothing is lost.

The steps are not chosen: a first run counts them as the interpreter reports them (`tests.process.dying`), and then
there is one death for each.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from provisioning.station.claimstore import thumbprint
from provisioning.station.keystore import Keystore
from tests.kits.servers.est_server import EstServer, est_server

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
STATION = "st-k3m9q2x7"


class Lives:
    """The process that forks one for each life."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def live(self, what: str, folder: Path, step: int) -> tuple[int, list[str]]:
        """One life of the station: (exit code, what it printed)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps([what, str(folder / "state"), str(folder / "code.toml"), step])
        self._process.stdin.write(line.encode() + b"\n")
        code, said = json.loads(await self._process.stdout.readline())
        return code, said


@pytest.fixture
async def lives() -> AsyncIterator[Lives]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.process.dying", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    yield Lives(process)
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


def _key(folder: Path) -> str:
    return hashlib.sha256((folder / "state" / "key.pem").read_bytes()).hexdigest()


def _is_whole(folder: Path) -> None:
    """Key and certificate belong together, and only what is in force is there."""
    keystore = Keystore(folder / "state")
    identity = keystore.identity()
    assert identity is not None
    assert identity.station == STATION
    certificate = folder / "state" / "certificate.pem"
    ssl.create_default_context(cafile=folder / "state" / "ca.pem").load_cert_chain(certificate, keystore.key)
    assert keystore.staged() is None
    assert keystore.renewing is None
    assert not list(folder.rglob(".*")), "half a file is left, that may be half a secret"


async def _one_death(lives: Lives, region: EstServer, folder: Path, step: int) -> None:
    folder.mkdir()  # noqa: ASYNC240 - a test may wait for its own disk
    await region.print_code(folder / "code.toml")
    code, _ = await lives.live("enrol", folder, step)
    assert code == -signal.SIGKILL, f"it did not die at step {step}"
    before = region.store.rows[STATION].key_sha256
    code, said = await lives.live("enrol", folder, 0)
    if code == 0:
        assert said[0] == STATION
    _is_whole(folder)
    assert before in (None, region.store.rows[STATION].key_sha256), "the code was given to two keys"
    assert Keystore(folder / "state").registered_key() is not None
    assert not (folder / "code.toml").exists(), "the used code is still there"


async def test_killed_at_every_step_of_enrolment(tmp_path: Path, lives: Lives) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        (tmp_path / "first").mkdir()
        await region.print_code(tmp_path / "first" / "code.toml")
        _, said = await lives.live("enrol", tmp_path / "first", 0)
        steps = int(said[1])
        assert steps > 30
        for step in range(1, steps + 1):
            await _one_death(lives, region, tmp_path / f"s{step}", step)


async def test_killed_at_every_step_of_a_claim(tmp_path: Path, lives: Lives) -> None:
    """Only one key is ever shown on the screen, and that one gets in."""
    async with est_server(tmp_path / "region", STATION) as region:
        region.approves_at_once = True

        async def live(folder: Path, step: int) -> tuple[int, list[str]]:
            folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - a test may wait for its own disk
            region.print_region(folder / "region.toml")
            return await lives.live("claim", folder, step)

        _, said = await live(tmp_path / "first", 0)
        steps = int(said[1])
        assert steps > 50
        for step in range(1, steps + 1):
            folder = tmp_path / f"s{step}"
            region.claims.clear()
            code, _ = await live(folder, step)
            assert code == -signal.SIGKILL, f"it did not die at step {step}"
            code, said = await live(folder, 0)
            assert (code, said[0]) == (0, STATION)
            _is_whole(folder)
            assert list(region.claims) == [region.store.rows[STATION].key_sha256]
            assert thumbprint(Keystore(folder / "state").registered_key()) in region.claims
            assert {one.name for one in folder.iterdir()} == {"state", "region.toml"}, "nothing is left of it"
            assert not (folder / "state" / "claiming").exists()


async def test_killed_at_every_step_of_renewal(tmp_path: Path, lives: Lives) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        original = tmp_path / "original"
        original.mkdir()
        await region.print_code(original / "code.toml")
        assert (await lives.live("enrol", original, 0))[0] == 0
        region.clock.set_wall(region.clock.wall() + 30 * 86_400)
        first = tmp_path / "first"
        shutil.copytree(original, first)
        _, said = await lives.live("renew", first, 0)
        assert said[0] == "renewed"
        steps = int(said[1])
        assert steps > 15
        for step in range(1, steps + 1):
            folder = tmp_path / f"s{step}"
            shutil.copytree(original, folder)
            code, _ = await lives.live("renew", folder, step)
            assert code == -signal.SIGKILL, f"it did not die at step {step}"
            code, _ = await lives.live("renew", folder, 0)
            assert code == 0
            _is_whole(folder)
            assert _key(folder) == _key(original)
            assert (folder / "state" / "certificate.pem").read_bytes() == (
                first / "state" / "certificate.pem"
            ).read_bytes(), "the same key got two certificates"
        assert len(region.store.given) == 2
