"""What a station takes from whoever answers its enrolment: only from the region that its code file pins."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.clock import SystemClock
from messaging.enrolment import CodeFile, read_code_file
from provisioning.authority import est
from provisioning.authority.request import read_request
from provisioning.authority.vault import open_authority
from provisioning.station import region_client
from provisioning.station.enrol import Enrolment
from provisioning.station.errors import (
    BadAnswer,
    ClockNotSet,
    EnrolmentFailed,
    Refused,
    RegionNotTrusted,
    RegionUnreachable,
)
from provisioning.station.keystore import Keystore
from tests.kits.clock import ManualClock
from tests.kits.servers.est_server import est_server, http
from tests.kits.trust.enrolment_store import make_request

STATION = "st-k3m9q2x7"
OTHER = "st-00000001"


def _enrolment(folder: Path) -> Enrolment:
    return Enrolment(Keystore(folder / "state"), folder / "code.toml")


async def test_another_region_is_not_trusted_and_never_hears_the_code(tmp_path: Path) -> None:
    async with est_server(tmp_path / "honest", STATION) as honest, est_server(tmp_path / "false", STATION) as false:
        content = await honest.print_code(tmp_path / "code.toml")
        false_port = tmp_path / "code.toml"
        false_port.write_text(false_port.read_text().replace(str(honest.port), str(false.port)))
        with pytest.raises(RegionNotTrusted):
            await _enrolment(tmp_path).enrol()
        assert false.asked == ["/.well-known/est/stations/cacerts"]
        assert not any(content.code.encode() in body for body in false.bodies)


async def test_whoever_repeats_the_region_s_root_without_its_key_never_hears_the_code(tmp_path: Path) -> None:
    async with est_server(tmp_path / "honest", STATION) as honest, est_server(tmp_path / "false", STATION) as false:
        await honest.print_code(tmp_path / "code.toml")
        path = tmp_path / "code.toml"
        path.write_text(path.read_text().replace(str(honest.port), str(false.port)))
        false.answer = http(200, est.encode_certificates(honest.authority.chain))
        with pytest.raises(RegionNotTrusted):
            await _enrolment(tmp_path).enrol()
        assert false.asked == ["/.well-known/est/stations/cacerts"]


async def test_the_region_must_answer_under_its_own_name(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION, hosts=("elsewhere.example",)) as region:
        await region.print_code(tmp_path / "code.toml")
        with pytest.raises(RegionNotTrusted):
            await _enrolment(tmp_path).enrol()
        assert len(region.asked) == 1


async def test_a_clock_that_is_behind_is_named_as_the_cause(tmp_path: Path) -> None:
    ahead = ManualClock(wall=SystemClock().wall() + 90 * 86_400)
    authority = open_authority(tmp_path / "region" / "ca", ahead)
    async with est_server(tmp_path / "region", STATION) as region:
        region.authority = authority
        await region.stop()
        await region.start()
        await region.print_code(tmp_path / "code.toml")
        with pytest.raises(ClockNotSet):
            await _enrolment(tmp_path).enrol()


async def test_a_region_that_is_away_can_be_tried_again(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(tmp_path / "code.toml")
        await region.stop()
        with pytest.raises(RegionUnreachable):
            await _enrolment(tmp_path).enrol()
        await region.start()
        assert (await _enrolment(tmp_path).enrol()).station == STATION


async def test_a_region_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_client, "_WITHIN_S", 0.05)
    left = asyncio.Event()

    async def listen_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()
        left.set()

    silent = await asyncio.start_server(listen_only, "127.0.0.1", 0)
    async with silent, est_server(tmp_path / "region", STATION) as region:
        path = tmp_path / "code.toml"
        await region.print_code(path)
        path.write_text(path.read_text().replace(str(region.port), str(silent.sockets[0].getsockname()[1])))
        with pytest.raises(RegionUnreachable, match="no answer"):
            await _enrolment(tmp_path).enrol()
        await left.wait()


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (http(401, b""), Refused, "wrong_code"),
        (http(409, b"<html>"), Refused, "code_used"),
        (http(403, b'{"code": "code_expired"}'), Refused, "code_expired"),
        (http(429, b"", "Retry-After: 30"), Refused, "too_many_tries"),
        (http(418, b'{"code": "<script>"}'), BadAnswer, "bad_answer"),
        (http(302, b"", "Location: https://evil.example"), BadAnswer, "bad_answer"),
        (http(500, b"Traceback"), RegionUnreachable, "region_unreachable"),
        (http(200, b""), BadAnswer, "bad_answer"),
        (http(200, b"not base64!"), BadAnswer, "bad_answer"),
        (http(200, base64.b64encode(b"not PKCS 7")), BadAnswer, "bad_answer"),
        (b"", BadAnswer, "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nshort", BadAnswer, "bad_answer"),
        (b"SSH-2.0-OpenSSH\r\n", BadAnswer, "bad_answer"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"A" * 100_000, BadAnswer, "bad_answer"),
    ],
    ids=[
        "401",
        "409",
        "its own word",
        "429",
        "a word of nobody",
        "redirect",
        "500",
        "empty list",
        "not base64",
        "not PKCS 7",
        "nothing",
        "cut off",
        "not HTTP",
        "endless",
    ],
)
async def test_every_other_answer_is_refused_with_a_stable_word(
    tmp_path: Path, answer: bytes, error: type[EnrolmentFailed], code: str
) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        await region.print_code(tmp_path / "code.toml")
        region.answer = answer
        with pytest.raises(error) as told:
            await _enrolment(tmp_path).enrol()
        assert told.value.code == code
        assert Keystore(tmp_path / "state").identity() is None


def test_a_wait_that_the_region_asks_for_is_kept() -> None:
    with pytest.raises(Refused) as told:
        region_client._body(http(429, b"", "Retry-After: 30"))
    assert told.value.retry_after_s == 30
    assert not told.value.lasting


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400))
def test_any_bytes_are_an_answer_or_an_error_of_ours(raw: bytes) -> None:
    try:
        region_client._certificates(region_client._body(raw))
    except EnrolmentFailed:
        return
    pytest.fail("random bytes were taken for certificates")


async def test_a_certificate_for_another_key_name_or_authority_is_not_taken(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        content = await region.print_code(tmp_path / "code.toml")
        trust = await region_client.fetch_trust(content.url, content.ca_sha256)
        key = ec.generate_private_key(ec.SECP256R1())
        mine = read_request(make_request(key))
        stranger = open_authority(tmp_path / "stranger", SystemClock())
        for certificate, why in (
            (region.authority.issue_station(STATION, read_request(make_request())), "no certificate for this"),
            (region.authority.issue_station(OTHER, mine), "another station's name"),
            (stranger.issue_station(STATION, mine), "not signed by"),
        ):
            region.answer = http(200, est.encode_certificates([certificate]))
            with pytest.raises(BadAnswer, match=why):
                await region_client.enrol(content, trust, key)


async def test_the_trust_is_the_pinned_root_and_what_it_has_signed(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        content = await region.print_code(tmp_path / "code.toml")
        stranger = open_authority(tmp_path / "stranger", SystemClock())
        region.answer = http(200, est.encode_certificates([*region.authority.chain, *stranger.chain]))
        trust = await region_client.fetch_trust(content.url, content.ca_sha256)
    assert trust.roots[0] == region.authority.chain[0]
    assert set(trust.intermediates) == set(region.authority.chain[1:])


def test_a_code_file_in_a_log_shows_no_code() -> None:
    content = read_code_file(
        f'[enrolment]\nurl = "https://r"\nca_sha256 = "{"0" * 64}"\ncode = "ABCDEFGHJKMNPQRS"\n'
        f'station = "{STATION}"\nbroker = "b:1"\n'
    )
    assert isinstance(content, CodeFile)
    assert "ABCDEFGHJKMNPQRS" not in f"{content!r}{content}"
