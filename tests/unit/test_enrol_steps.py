"""The station's enrolment: its table, and a power cut at every point of it."""

from __future__ import annotations

import errno
import json
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from messaging.clock import SystemClock
from provisioning.authority.vault import open_authority
from provisioning.station import files
from provisioning.station.enrol import SELDOM_S, Enrolment, OnDisk, Patience, Step, next_step
from provisioning.station.errors import (
    CodeFileMalformed,
    CodeFileMissing,
    EnrolmentFailed,
    Refused,
    RegionUnreachable,
    StateUnusable,
)
from provisioning.station.keystore import Identity, Keystore, Staged, Wanted
from tests.kits.servers.est_server import EstServer, est_server

STATION = "st-k3m9q2x7"
_WANTED = [Wanted(STATION, "b:1", "https://r", "0" * 64, digit * 64) for digit in "12"]
_ANY_WANTED = st.sampled_from([None, *_WANTED])
_STAGED = st.builds(
    lambda wanted, far: Staged(wanted, far > 0, far > 1) if wanted else None, _ANY_WANTED, st.integers(0, 2)
)


class PowerCut(Exception):
    """The power is gone."""


class Station:
    """One station's disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.state = folder / "state"
        self.code = folder / "code.toml"
        self.keystore = Keystore(self.state)

    def boot(self) -> Enrolment:
        """What a new process knows: nothing but the disk."""
        self.keystore = Keystore(self.state)
        return Enrolment(self.keystore, self.code)

    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificates(self.keystore.certificate.read_bytes())[0]


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


@given(st.builds(OnDisk, _ANY_WANTED, _STAGED, _ANY_WANTED))
def test_what_cannot_go_on_has_no_code_file(disk: OnDisk) -> None:
    step = next_step(disk)
    if step is Step.NOTHING:
        assert disk.wanted is None
    if step is Step.SETTLE:
        assert disk.wanted == disk.enrolled
    if step in (Step.MAKE_KEY, Step.ASK):
        assert disk.staged is not None
        assert disk.staged.wanted == disk.wanted


@given(_ANY_WANTED, _STAGED, _ANY_WANTED)
def test_every_disk_comes_to_rest_in_few_steps(
    wanted: Wanted | None, staged: Staged | None, enrolled: Wanted | None
) -> None:
    disk, taken = OnDisk(wanted, staged, enrolled), list[Step]()
    while (step := next_step(disk)) not in (Step.SETTLE, Step.NOTHING):
        taken.append(step)
        disk = _after(step, disk)
        assert len(taken) <= 5
    assert len(set(taken)) == len(taken) or taken[0] is Step.INSTALL


def _after(step: Step, disk: OnDisk) -> OnDisk:
    if step is Step.BEGIN and disk.wanted:
        return OnDisk(disk.wanted, Staged(disk.wanted, False, False), disk.enrolled)
    assert disk.staged is not None
    if step is Step.INSTALL:
        return OnDisk(disk.wanted, None, disk.staged.wanted)
    return OnDisk(disk.wanted, Staged(disk.staged.wanted, True, step is Step.ASK), disk.enrolled)


async def test_a_station_enrols_itself_and_its_files_fit_together(station: Station, tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(station.code)
        identity = await station.boot().enrol()
    assert identity == Identity(STATION, region.broker, f"https://localhost:{region.port}")
    key = load_pem_private_key(station.keystore.key.read_bytes(), None)
    assert station.certificate().public_key() == key.public_key()
    assert station.keystore.key.stat().st_mode & 0o777 == 0o600
    assert json.loads((station.state / "identity.json").read_text()) == {
        "station": STATION, "broker": region.broker, "url": identity.url
    }  # fmt: skip
    context = ssl.create_default_context(cafile=str(station.keystore.ca))
    context.load_cert_chain(station.keystore.certificate, station.keystore.key)
    assert not (station.state / "enrolling").exists()


async def test_the_key_never_leaves_and_the_code_is_not_kept(station: Station, tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        content = await region.print_code(station.code)
        await station.boot().enrol()
    key_line = station.keystore.key.read_text().splitlines()[1].encode()
    assert not any(key_line in body for body in region.bodies)
    for path in station.state.iterdir():
        assert content.code not in path.read_text()


async def test_the_code_file_stays_until_the_broker_has_taken_the_birth(station: Station, tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(station.code)
        enrolment = station.boot()
        await enrolment.enrol()
        assert station.code.exists()
        assert enrolment.settle()
        assert not station.code.exists()
        assert not enrolment.settle()
        assert (await enrolment.enrol()).station == STATION
        await region.print_code(station.code)  # a new one is put there while the station works by the old
        assert not enrolment.settle()
        assert station.code.exists(), "it has not been used yet"
    assert region.asked == ["/.well-known/est/stations/cacerts", "/.well-known/est/stations/simpleenroll"]


class Cutter:
    """Lets `survive` writes to the disk happen, then cuts the power at the next."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, survive: int) -> None:
        self.left = survive
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
            monkeypatch.setattr(owner, name, self._wrap(getattr(owner, name)))

    def _wrap(self, honest: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **kwargs: Any) -> Any:
            if self.left <= 0:
                raise PowerCut
            self.left -= 1
            return honest(*args, **kwargs)

        return write


async def _whole_enrolment(station: Station) -> None:
    enrolment = station.boot()
    await enrolment.enrol()
    enrolment.settle()


async def _writes_of_a_whole_enrolment(folder: Path, region: EstServer) -> int:
    station = Station(folder)
    await region.print_code(station.code)
    with pytest.MonkeyPatch.context() as patch:
        cutter = Cutter(patch, 10_000)
        await _whole_enrolment(station)
        return 10_000 - cutter.left


@pytest.mark.long
async def test_a_power_cut_at_any_write_loses_nothing_and_needs_nobody(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        writes = await _writes_of_a_whole_enrolment(tmp_path / "count", region)
        assert writes > 20
        for survive in range(writes):
            station = Station(tmp_path / f"cut-{survive}")
            await region.print_code(station.code)
            with pytest.MonkeyPatch.context() as patch:
                Cutter(patch, survive)
                with pytest.raises(PowerCut):
                    await _whole_enrolment(station)
            _assert_never_half_an_identity(station)
            await _whole_enrolment(station)
            bound = region.store.rows[STATION].certificate
            assert bound is not None
            assert station.certificate() == x509.load_der_x509_certificate(bound)
            assert not station.code.exists()
            assert not (station.state / "enrolling").exists()


def _assert_never_half_an_identity(station: Station) -> None:
    keystore = Keystore(station.state)
    if keystore.identity() is None:
        return
    key = load_pem_private_key(keystore.key.read_bytes(), None)
    assert station.certificate().public_key() == key.public_key()
    assert keystore.ca.exists()


async def test_a_lost_answer_is_fetched_again_with_the_same_key(station: Station, tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(station.code)
        region.lose_next_answer()
        with pytest.raises(EnrolmentFailed):
            await station.boot().enrol()
        await station.boot().enrol()
        bound = region.store.rows[STATION].certificate
        assert bound is not None
        assert station.certificate() == x509.load_der_x509_certificate(bound)


async def test_a_new_code_file_replaces_the_identity_and_a_bad_one_costs_nothing(
    station: Station, tmp_path: Path
) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(station.code)
        await _whole_enrolment(station)
        before = station.certificate()

        content = await region.print_code(station.code)
        region.store.rows.clear()
        with pytest.raises(Refused) as told:
            await station.boot().enrol()
        assert told.value.code == "wrong_code"
        assert content.code not in str(told.value)
        assert station.keystore.identity() is not None
        assert station.certificate() == before

        await region.print_code(station.code)
        await _whole_enrolment(station)
        assert station.certificate() != before
        assert station.certificate().public_key() != before.public_key()


async def test_a_station_without_a_code_file_says_so(station: Station) -> None:
    with pytest.raises(CodeFileMissing) as told:
        await station.boot().enrol()
    assert str(station.code) in str(told.value)
    assert told.value.code == "no_code_file"


@pytest.mark.parametrize(
    "content",
    [b"", b"[enrolment]\ncode = 'SECRETSECRET1234'", b"\xff\xfe", b"x" * 9000, b'[enrolment]\ncode = "SECRET'],
)
async def test_a_file_that_is_no_code_file_is_refused_and_not_quoted(station: Station, content: bytes) -> None:
    station.code.write_bytes(content)
    with pytest.raises(CodeFileMalformed) as told:
        await station.boot().enrol()
    assert "SECRET" not in f"{told.value}{told.value.__cause__}"


async def test_a_code_file_written_on_windows_is_taken(station: Station, tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(station.code)
        station.code.write_bytes(b"\xef\xbb\xbf" + station.code.read_bytes().replace(b"\n", b"\r\n"))
        assert (await station.boot().enrol()).station == STATION


async def test_a_code_file_that_cannot_be_erased_is_complained_of(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(station.code)
        enrolment = station.boot()
        await enrolment.enrol()

    def read_only(_path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("provisioning.station.enrol.wipe", read_only)
    assert not enrolment.settle()
    assert "cannot be erased: Read-only file system" in caplog.text


async def test_two_at_once_never_enrol_the_same_station(station: Station) -> None:
    with station.keystore.lock(), pytest.raises(StateUnusable, match="another process"):
        await station.boot().enrol()


async def test_a_full_disk_is_said_in_our_words(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(station.code)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(StateUnusable, match="No space left"):
            await station.boot().enrol()


@pytest.mark.parametrize("name", ["identity.json", "enrolled.json"])
async def test_a_damaged_identity_is_not_taken_for_none(station: Station, name: str) -> None:
    station.state.mkdir()
    (station.state / "identity.json").write_text('{"station": "st-k3m9q2x7", "broker": "b:1", "url": "https://r"}')
    (station.state / name).write_bytes(bytes(120))
    with pytest.raises(StateUnusable, match="damaged"):
        station.keystore.enrolled_with()


async def test_a_damaged_enrolment_under_way_begins_anew(station: Station, tmp_path: Path) -> None:
    (station.state / "enrolling").mkdir(parents=True)
    (station.state / "enrolling" / "wanted.json").write_bytes(bytes(120))
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(station.code)
        assert (await station.boot().enrol()).station == STATION


def test_a_write_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write_whole(path, b"old")
    Cutter(monkeypatch, 0)
    with pytest.raises(PowerCut):
        files.write_whole(path, b"new")
    assert path.read_bytes() == b"old"


def test_validity_is_read_from_the_certificate_in_force(station: Station, tmp_path: Path) -> None:
    assert station.keystore.validity() is None
    station.state.mkdir()
    issued = open_authority(tmp_path / "ca", SystemClock()).issue_client("region", days=1)
    station.keystore.certificate.write_bytes(issued.certificate_pem)
    validity = station.keystore.validity()
    assert validity is not None
    assert validity[1] - validity[0] == 2 * 86_400


def test_patience_is_short_for_what_passes_and_long_for_what_does_not() -> None:
    patience = Patience()
    assert all(patience.wait_s(RegionUnreachable("away")) <= 300 for _ in range(50))
    assert patience.wait_s(Refused("too_many_tries", lasting=False, retry_after_s=500)) == 500
    assert patience.wait_s(Refused("code_used")) == SELDOM_S


@pytest.fixture(autouse=True)
def _no_leftover(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.glob("state/.*-*")), "a temporary file was left behind"
