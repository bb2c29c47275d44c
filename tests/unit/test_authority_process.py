"""The authority's process: what it signs for whoever asks, what it refuses, and what it writes down."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from messaging.errors import MessageError
from messaging.moment import read_moment
from provisioning.authority import offline, vault
from provisioning.authority.certificates import cross_sign
from provisioning.authority.errors import (
    AuthorityAway,
    AuthorityError,
    AuthorityUnusable,
    MalformedRequest,
    TooMuchAsked,
    WrongPassphrase,
)
from region.authority import wire
from region.authority.client import AuthorityClient
from region.authority.process import MOST_FOR_ONE, Keys
from tests.kits.clock import ManualClock
from tests.kits.trust.enrolment_store import make_request

STATION = "st-k3m9q2x7"
PASSPHRASE = "six random words"


def _ask(request: bytes, station: str = STATION) -> wire.StationCertificate:
    return wire.StationCertificate(station, base64.b64encode(request).decode())


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "ca", ManualClock())


@pytest.mark.parametrize(
    "name", ["st-1", "ST-K3M9Q2X7", "st-k3m9+2x7", "st-k3m9#2x7", "st-k3m9/2x7", "region", "a" * 41]
)
def test_no_other_name_than_a_station_s_is_signed(keys: Keys, name: str) -> None:
    with pytest.raises(AuthorityError):
        keys.answer(_ask(make_request(), name))


def test_a_request_that_asks_for_more_is_refused_here_too(keys: Keys) -> None:
    ca = x509.BasicConstraints(ca=True, path_length=0)
    with pytest.raises(TooMuchAsked):
        keys.answer(_ask(make_request(extra=lambda builder: builder.add_extension(ca, critical=True))))
    with pytest.raises(MalformedRequest):
        keys.answer(wire.StationCertificate(STATION, "not base64!"))


def test_one_station_gets_so_many_an_hour(keys: Keys) -> None:
    for _ in range(MOST_FOR_ONE):
        keys.answer(_ask(make_request()))
    with pytest.raises(AuthorityUnusable, match="within the hour"):
        keys.answer(_ask(make_request()))
    assert keys.answer(_ask(make_request(), "st-another1"))


def test_servers_and_the_client_are_the_region_s_own(keys: Keys) -> None:
    assert "PRIVATE KEY" in keys.answer(wire.ServerCertificate("broker", ("127.0.0.1",)))["key"]
    assert "CERTIFICATE" in keys.answer(wire.ClientCertificate())["certificate"]
    with pytest.raises(AuthorityUnusable):
        keys.answer(wire.ServerCertificate(STATION, ("127.0.0.1",)))


def test_it_tells_the_time_by_its_own_clock_and_nobody_s_word_moves_it(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(MessageError):
        wire.from_line(b'{"do": "time", "nonce": "0", "at": 5}')
    question = wire.from_line(json.dumps({"do": "time", "nonce": "0f" * 16, "at": 5.0}).encode())
    told = keys.answer(question)["jws"].encode()
    roots = x509.load_pem_x509_certificates((tmp_path / "ca" / "root.pem").read_bytes())
    assert read_moment(told, nonce="0f" * 16, roots=roots) == ManualClock().wall()
    keys.answer(wire.TellTime("1f" * 16))
    rows = (tmp_path / "ca" / "journal.jsonl").read_text().splitlines()
    assert [json.loads(row)["kind"] for row in rows] == ["signer"], "who asks for the time fills no disk"


def test_what_is_signed_is_written_down(keys: Keys, tmp_path: Path) -> None:
    answer = keys.answer(_ask(make_request()))
    (row,) = [json.loads(line) for line in (tmp_path / "ca" / "journal.jsonl").read_text().splitlines()]
    certificate = x509.load_pem_x509_certificate(answer["certificate"].encode())
    assert (row["name"], row["serial"]) == (STATION, f"{certificate.serial_number:x}")


def test_each_revocation_list_is_newer_than_the_last_even_when_the_clock_steps_back(tmp_path: Path) -> None:
    clock, dates, numbers = ManualClock(), [], []
    keys = Keys(tmp_path / "ca", clock)
    for step in (0.0, 0.0, -7200.0, 5.0):
        clock.set_wall(clock.wall() + step)
        lists = keys.answer(wire.RevocationLists(("ff",), (1,)))["lists"].encode()
        first = x509.load_pem_x509_crl(lists)
        dates.append(first.last_update_utc)
        numbers.append(first.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)
        assert first.get_revoked_certificate_by_serial_number(255) is not None
        issuer = vault.load(tmp_path / "ca").stations.certificate
        assert first.next_update_utc == issuer.not_valid_after_utc, "a list past its date would lock the fleet out"
    assert dates == sorted(set(dates))
    assert numbers == [1, 2, 3, 4]


@given(st.binary(max_size=200))
def test_no_line_of_a_stranger_is_more_than_refused(line: bytes) -> None:
    with pytest.raises(MessageError):
        wire.from_line(line)


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=4))
def test_an_answer_that_is_none_of_ours_is_as_if_nobody_answered(data: dict[str, object]) -> None:
    data.pop("answer", None)
    with pytest.raises(AuthorityError):
        wire.read_answer(json.dumps(data).encode())


async def test_nobody_on_the_socket_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(AuthorityAway):
        await AuthorityClient(tmp_path / "none.sock").chain()


async def test_silence_is_an_error_of_its_own(tmp_path: Path) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    path = tmp_path / "s"
    async with await asyncio.start_unix_server(hang_up, path):
        with pytest.raises(AuthorityAway):
            await AuthorityClient(path).root_sha256()


def test_a_root_file_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    root = vault.new_root(ManualClock())
    offline.write_root(tmp_path / "root", root, PASSPHRASE)
    assert offline.read_root(tmp_path / "root", PASSPHRASE).certificate == root.certificate
    with pytest.raises(WrongPassphrase):
        offline.read_root(tmp_path / "root", "another passphrase")
    with pytest.raises(WrongPassphrase, match="at least"):
        offline.write_root(tmp_path / "short", root, "short")


def test_a_backup_that_was_changed_or_is_another_s_does_not_open() -> None:
    locked = offline.lock_up({"root.pem": b"x"}, PASSPHRASE)
    assert offline.unlock(locked, PASSPHRASE) == {"root.pem": b"x"}
    for wrong in (locked[:-1] + bytes([locked[-1] ^ 1]), locked.replace(b'"n": 32768', b'"n": 16384')):
        with pytest.raises(AuthorityError):
            offline.unlock(wrong, PASSPHRASE)
    with pytest.raises(WrongPassphrase):
        offline.unlock(locked, "another passphrase")


def test_a_power_cut_between_the_two_renames_of_a_rotation_is_mended(tmp_path: Path) -> None:
    vault.open_authority(tmp_path / "ca", ManualClock())
    (tmp_path / "ca").rename(tmp_path / ".ca-replaced")
    vault.mend(tmp_path / "ca")
    assert vault.load(tmp_path / "ca")


def test_two_rotations_within_a_certificate_s_life_are_refused(tmp_path: Path) -> None:
    clock, directory = ManualClock(), tmp_path / "ca"
    vault.open_authority(directory, clock)
    root = vault.take_root_offline(directory)

    def rotate(*, at_once: bool = False) -> None:
        request = vault.begin_rotation(directory, "stations", clock.wall(), at_once=at_once)
        made = offline.sign_intermediate(root, "stations", request, clock)
        vault.finish_rotation(directory, "stations", made, clock.wall(), at_once=at_once)

    rotate()
    with pytest.raises(AuthorityUnusable, match="less than 45 days"):
        rotate()
    assert not (directory / "next-stations-key.pem").exists(), "nothing waits for the root that it could not help"
    request = vault.begin_rotation(directory, "stations", clock.wall(), at_once=True)
    made = offline.sign_intermediate(root, "stations", request, clock)
    with pytest.raises(AuthorityUnusable, match="less than 45 days"):
        vault.finish_rotation(directory, "stations", made, clock.wall(), at_once=False)
    rotate(at_once=True)
    assert vault.load(directory).previous == ()


def test_the_region_s_own_are_of_no_newer_root_than_its_stations(tmp_path: Path) -> None:
    """Code files would pin it, and a station that trusts it alone would take no certificate of the old one's."""
    clock, directory = ManualClock(), tmp_path / "ca"
    vault.open_authority(directory, clock)
    old, new = vault.take_root_offline(directory), vault.new_root(clock, "the next")
    vault.add_root(directory, new.certificate, cross_sign(new.certificate, old))

    def rotate(name: str, *, known: bool) -> None:
        signer = new.certificate if known else None
        request = vault.begin_rotation(directory, name, clock.wall(), at_once=False, root=signer)
        made = offline.sign_intermediate(new, name, request, clock)
        vault.finish_rotation(directory, name, made, clock.wall(), at_once=False)

    with pytest.raises(AuthorityUnusable, match="change stations first"):
        rotate("services", known=True)
    assert not (directory / "next-services-key.pem").exists()
    with pytest.raises(AuthorityUnusable, match="change stations first"):
        rotate("services", known=False)
    for name in ("stations", "services"):
        rotate(name, known=True)
    assert vault.public_trust(directory).root_sha256 == new.certificate.fingerprint(hashes.SHA256()).hex()


def test_what_another_root_has_signed_is_put_in_force_nowhere(tmp_path: Path) -> None:
    clock, directory = ManualClock(), tmp_path / "ca"
    before = vault.open_authority(directory, clock).chain
    request = vault.begin_rotation(directory, "stations", clock.wall(), at_once=False)
    stranger = offline.sign_intermediate(vault.new_root(clock), "stations", request, clock)
    with pytest.raises(AuthorityUnusable, match="not signed by a root of this authority"):
        vault.finish_rotation(directory, "stations", stranger, clock.wall(), at_once=False)
    assert vault.open_authority(directory, clock).chain == before


def test_what_is_public_of_an_authority_elsewhere_is_what_it_has_itself(keys: Keys, tmp_path: Path) -> None:
    there, here = tmp_path / "ca", tmp_path / "region" / "ca"
    chain = vault.open_authority(there, ManualClock()).chain
    for _ in range(2):  # at each start
        vault.keep_public(here, chain)
    assert vault.public_trust(here) == vault.public_trust(there)
    assert sorted(path.name for path in here.iterdir()) == ["root.pem", "services.pem"]
    before = (there / "root.pem").stat().st_mtime_ns
    vault.keep_public(there, chain)
    assert (there / "root.pem").stat().st_mtime_ns == before
