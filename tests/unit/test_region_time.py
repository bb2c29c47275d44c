"""Asking the region for the time, over real TLS: a station at any stage finds whom to ask, and believes nobody else."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from messaging.claim import RegionFile, write_region_file
from messaging.clock import SystemClock
from messaging.moment import TIME_PATH
from provisioning.station.enrol import Enrolment
from provisioning.station.errors import ProvisioningError, RegionNotTrusted, RegionUnreachable, StateUnusable
from provisioning.station.keystore import Keystore
from provisioning.station.region_time import RegionTime, ask_time
from tests.kits.servers.est_server import est_server, http

STATION = "st-k3m9q2x7"
CLOCK = SystemClock()


class Here:
    """A station's disk."""

    def __init__(self, folder: Path) -> None:
        self.keystore = Keystore(folder / "state")
        self.code, self.region = folder / "code.toml", folder / "region.toml"
        self.time = RegionTime(self.keystore, self.code, self.region, CLOCK)


async def _is_told(here: Here) -> bool:
    told = await here.time.ask()
    return told is not None and abs(told.at + CLOCK.monotonic() - told.monotonic - CLOCK.wall()) < 5


async def test_by_code_file_by_region_file_and_when_enrolled(tmp_path: Path) -> None:
    here = Here(tmp_path)
    async with est_server(tmp_path / "region", STATION) as region:
        assert await here.time.ask() is None, "there is nobody to ask"
        url = f"https://localhost:{region.port}"
        here.region.write_text(write_region_file(RegionFile(url, region.authority.root_sha256, "localhost:8403")))
        assert await _is_told(here)
        here.region.unlink()
        await region.print_code(here.code)
        assert await _is_told(here)
        await Enrolment(here.keystore, here.code).enrol()
        here.code.unlink()
        assert await _is_told(here)


async def test_no_verified_tls_is_needed_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock at 1970 or in 2069 no certificate counts."""
    async with est_server(tmp_path / "region", STATION) as region:
        here = Here(tmp_path)
        await region.print_code(here.code)

        def refuse(*_: object, **__: object) -> ssl.SSLContext:
            raise AssertionError("a verified connection")

        monkeypatch.setattr(ssl, "create_default_context", refuse)
        assert await _is_told(here)


async def test_another_region_that_answers_in_its_place_is_refused(tmp_path: Path) -> None:
    async with (
        est_server(tmp_path / "a", STATION) as region,
        est_server(tmp_path / "b", STATION) as liar,
    ):
        roots = tuple(one for one in region.authority.chain if one.issuer == one.subject)
        with pytest.raises(RegionNotTrusted):
            await ask_time(f"https://localhost:{liar.port}", roots, CLOCK)


async def test_an_answer_that_was_recorded_is_no_answer_to_the_next_question(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        roots = tuple(one for one in region.authority.chain if one.issuer == one.subject)
        url = f"https://localhost:{region.port}"
        await ask_time(url, roots, CLOCK)
        recorded = await region.signer.tell_time(region.asked[-1].removeprefix(f"{TIME_PATH}/"))
        region.answer = http(200, recorded)
        with pytest.raises(RegionNotTrusted, match="another question"):
            await ask_time(url, roots, CLOCK)


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense", http(404, b""), http(503, b""), http(200, b"12:00"), http(200, b"")]
)
async def test_what_is_no_answer_is_an_error_of_ours(tmp_path: Path, answer: bytes) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        region.answer = answer
        roots = tuple(one for one in region.authority.chain if one.issuer == one.subject)
        with pytest.raises(ProvisioningError):
            await ask_time(f"https://localhost:{region.port}", roots, CLOCK)


async def test_nobody_there_and_roots_that_are_gone_are_said(tmp_path: Path) -> None:
    here = Here(tmp_path)
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(here.code)
        await Enrolment(here.keystore, here.code).enrol()
    with pytest.raises(RegionUnreachable):
        await here.time.ask()
    here.keystore.ca.unlink()
    with pytest.raises(StateUnusable):
        await here.time.ask()


async def test_a_damaged_code_file_is_passed_over(tmp_path: Path) -> None:
    here = Here(tmp_path)
    here.code.write_bytes(b"\xff\xfe not a code file")
    assert await here.time.ask() is None
