"""The region's voice: what it signs, by which rules, with whose certificate, and what stands in the journal of it."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from messaging.codec import encode
from messaging.errors import MessageError
from messaging.signed import CLOCK_TOLERANCE_S, MOST_CLAIMS, Word, read_word
from provisioning.authority import certificates, offline, vault
from provisioning.authority.ca import SIGNER, CertificateAuthority, Held
from provisioning.authority.certificates import CLIENT, SERVER
from provisioning.authority.errors import AuthorityAway, AuthorityUnusable, MalformedRequest, OversizedRequest
from provisioning.authority.signing import WordSigner
from region.authority import wire
from region.authority.client import AuthorityClient
from region.authority.process import Keys
from region.cli.ca import Hands, _status
from tests.kits.clock import ManualClock
from tests.kits.trust.signing import authority_in_memory

STATION = "st-k3m9q2x7"
DAY_S = 86_400.0


def desired(clock: ManualClock, version: int = 1, station: str = STATION, **config: Any) -> Word:
    return Word("desired", station, clock.wall(), {"config": config}, version=version)


def command(clock: ManualClock, cid: str = "a1b2c3d4e5f6a7b8") -> Word:
    return Word("command", STATION, clock.wall(), {}, clock.wall() + 60, cid=cid, type="reboot")


def roots_of(authority: CertificateAuthority) -> list[x509.Certificate]:
    return [one for one in authority.chain if one.issuer == one.subject]


def believed(jws: bytes, roots: list[x509.Certificate], clock: ManualClock, **changes: Any) -> Word:
    how = {"kind": "desired", "station": STATION, "roots": roots, "wall": clock.wall(), "clock_trusted": True} | changes
    return read_word(jws, **how)


# --- the signer's certificate ---


def test_the_signer_may_sign_and_nothing_else_and_for_a_week() -> None:
    clock = ManualClock()
    authority = authority_in_memory(clock)
    key, (leaf, services) = authority.issue_signer()
    assert leaf.public_key() == key.public_key()
    assert leaf.subject.rfc4514_string() == f"CN={SIGNER}"
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CODE_SIGNING
    ]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert leaf.not_valid_after_utc.timestamp() == clock.wall() + 7 * DAY_S
    leaf.verify_directly_issued_by(services)


def test_the_stations_authority_is_for_clients_alone() -> None:
    _, stations, services = authority_in_memory(ManualClock()).chain
    assert not certificates.may_issue(stations, certificates.SIGNING)
    assert certificates.may_issue(services, certificates.SIGNING)
    assert certificates.may_issue(services, SERVER)
    assert certificates.may_issue(services, CLIENT)


def test_another_one_is_made_from_half_of_its_life_and_the_old_one_s_words_still_count() -> None:
    clock, made = ManualClock(), []
    authority = authority_in_memory(clock)
    signer = WordSigner(authority, clock, made.append)
    words = []
    for _ in range(15):
        words.append(signer.sign([desired(clock)])[0])
        clock.set_wall(clock.wall() + DAY_S)
    assert len(made) == 4, "at 0, 4, 8 and 12 days"
    assert len({one.serial_number for one in made}) == 4
    for jws in words:
        assert believed(jws, roots_of(authority), clock).station == STATION


@pytest.mark.parametrize("step_s", [-400 * DAY_S, -2 * DAY_S, 400 * DAY_S])
def test_a_clock_that_jumps_finds_a_signer_whose_words_count(step_s: float) -> None:
    clock = ManualClock()
    authority = authority_in_memory(clock)
    signer = WordSigner(authority, clock)
    signer.sign([desired(clock)])
    clock.set_wall(clock.wall() + step_s)
    (jws,) = signer.sign([desired(clock, 2)])
    assert believed(jws, roots_of(authority), clock).version == 2


def test_an_authority_of_before_says_what_to_do_instead_of_signing() -> None:
    clock = ManualClock()
    period = certificates.validity(clock.wall(), timedelta(days=900), timedelta(days=30))
    root = certificates.root("Laegeknap root", period)
    stations = certificates.intermediate("Laegeknap stations", period, root, (CLIENT,))
    services = certificates.intermediate("Laegeknap services", period, root, (SERVER, CLIENT))
    authority = CertificateAuthority(Held((root.certificate,), stations, services), clock)
    with pytest.raises(AuthorityUnusable, match="region ca rotate"):
        WordSigner(authority, clock).sign([desired(clock)])


# --- what it signs ---


def test_a_word_is_dated_now_or_not_signed() -> None:
    clock = ManualClock()
    signer = WordSigner(authority_in_memory(clock), clock)
    for off in (-CLOCK_TOLERANCE_S - 1, CLOCK_TOLERANCE_S + 1, DAY_S, -DAY_S):
        with pytest.raises(MalformedRequest, match="dated"):
            signer.sign([desired(clock), replace(desired(clock), issued=clock.wall() + off)])
    assert len(signer.sign([replace(desired(clock), issued=clock.wall() - CLOCK_TOLERANCE_S)])) == 1


def test_what_no_station_would_take_is_not_signed() -> None:
    clock = ManualClock()
    signer = WordSigner(authority_in_memory(clock), clock)
    with pytest.raises(OversizedRequest):
        signer.sign([desired(clock, clinic="x" * MOST_CLAIMS)])
    with pytest.raises(MalformedRequest):
        signer.sign([desired(clock, clinic="\ud800")])


# --- the process that holds it ---


def answered(keys: Keys, *words: Word) -> list[bytes]:
    question = wire.from_line(wire.to_line(wire.SignWords(words)))
    return [jws.encode() for jws in keys.answer(question)["jws"]]


def journal(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "ca" / "journal.jsonl").read_text().splitlines()]


def test_words_come_back_signed_in_their_order(tmp_path: Path) -> None:
    clock = ManualClock()
    keys = Keys(tmp_path / "ca", clock)
    roots = list(vault.public_trust(tmp_path / "ca").roots)
    words = [desired(clock, number, clinic=f"Klinik {number}") for number in range(1, 6)]
    signed = answered(keys, *words, command(clock))
    assert [believed(jws, roots, clock) for jws in signed[:5]] == words
    assert believed(signed[5], roots, clock, kind="command") == command(clock)


def test_the_journal_has_each_signer_each_command_and_each_batch_of_configs_and_no_config(tmp_path: Path) -> None:
    clock = ManualClock()
    keys = Keys(tmp_path / "ca", clock)
    answered(keys, desired(clock, clinic="Bakkens Klinik"), desired(clock, station="st-00000002"))
    answered(keys, command(clock, "a1b2c3d4e5f6a7b8"), command(clock, "b1b2c3d4e5f6a7b8"))
    rows = journal(tmp_path)
    assert [row["kind"] for row in rows] == ["signer", "desired", "command", "command"]
    assert (rows[1]["name"], rows[1]["stations"]) == (STATION, 2)
    assert [(row["cid"], row["type"]) for row in rows[2:]] == [
        ("a1b2c3d4e5f6a7b8", "reboot"), ("b1b2c3d4e5f6a7b8", "reboot"),
    ]  # fmt: skip
    assert "Bakkens" not in json.dumps(rows)


def test_the_key_is_in_no_file(tmp_path: Path) -> None:
    clock = ManualClock()
    keys = Keys(tmp_path / "ca", clock)
    before = sorted(path.name for path in (tmp_path / "ca").iterdir())
    answered(keys, desired(clock))
    assert sorted(path.name for path in (tmp_path / "ca").iterdir()) == sorted([*before, "journal.jsonl"])


def test_after_a_rotation_of_services_its_new_one_vouches_for_the_signer(tmp_path: Path) -> None:
    clock, directory = ManualClock(), tmp_path / "ca"
    keys = Keys(directory, clock)
    answered(keys, desired(clock))
    root = vault.take_root_offline(directory)
    made = offline.sign_intermediate(
        root, "services", vault.begin_rotation(directory, "services", clock.wall(), at_once=True), clock
    )
    vault.finish_rotation(directory, "services", made, clock.wall(), at_once=True)
    (jws,) = answered(keys, desired(clock, 2))
    assert believed(jws, [root.certificate], clock).version == 2
    assert [row["kind"] for row in journal(tmp_path)] == ["signer", "desired"] * 2


def test_only_so_many_at_a_time_and_only_words(tmp_path: Path) -> None:
    clock = ManualClock()
    word = encode(desired(clock))
    for words in ([word] * (wire.MOST_WORDS + 1), [{**word, "kind": "certificate"}], [{**word, "version": None}],
                  ["a blob to be signed"], [{**word, "station": "region"}], "x"):  # fmt: skip
        with pytest.raises(MessageError):
            wire.from_line(json.dumps({"do": "sign", "words": words}).encode())


def test_a_line_has_room_for_as_many_as_may_be_asked_for() -> None:
    clock = ManualClock()
    largest = desired(clock, clinic="ø" * (MOST_CLAIMS // 2 - 200))
    line = wire.to_line(wire.SignWords((largest,) * wire.MOST_WORDS))
    assert len(line) < wire.MAX_LINE
    signed = WordSigner(authority_in_memory(clock), clock).sign([largest])
    answer = wire.answer_line({"jws": [signed[0].decode()] * wire.MOST_WORDS})
    assert len(answer) < wire.MAX_LINE
    assert len(wire.read_answer(answer)["jws"]) == wire.MOST_WORDS


_FIELDS = st.sampled_from(["kind", "station", "issued", "expires", "version", "cid", "type", "body"])
_VALUES = st.none() | st.integers() | st.text(max_size=9) | st.dictionaries(st.text(), st.integers())


@given(st.dictionaries(_FIELDS, _VALUES))
def test_no_garbage_becomes_a_word(data: dict[str, Any]) -> None:
    try:
        question = wire.from_line(json.dumps({"do": "sign", "words": [data]}).encode())
    except MessageError:
        return
    assert isinstance(question, wire.SignWords)
    assert question.words[0].kind in ("desired", "command")


def test_status_says_that_an_authority_of_before_cannot_sign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    args = argparse.Namespace(data=tmp_path / "new", json=True)
    vault.open_authority(tmp_path / "new" / "ca", clock)
    _status(Hands(args, clock))
    assert "may not sign" not in capsys.readouterr().out
    monkeypatch.setitem(vault.INTERMEDIATES, "services", ("Laegeknap services", (SERVER, CLIENT)))
    args.data = tmp_path / "old"
    (tmp_path / "old").mkdir()
    vault.open_authority(tmp_path / "old" / "ca", clock)
    _status(Hands(args, clock))
    assert "region ca rotate services" in json.loads(capsys.readouterr().out)["advice"][0]


# --- who asks ---


@asynccontextmanager
async def answering(path: Path, answer: Any) -> AsyncIterator[list[int]]:
    """Something on the authority's socket; how many words each question had."""
    asked: list[int] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = wire.from_line(await reader.readline())
        assert isinstance(question, wire.SignWords)
        asked.append(len(question.words))
        writer.write(wire.answer_line(answer(question.words)))
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(converse, path, limit=wire.MAX_LINE):
        yield asked


async def test_the_client_asks_by_the_hundred_and_keeps_the_order(tmp_path: Path) -> None:
    clock = ManualClock()
    words = [desired(clock, number) for number in range(1, 251)]
    async with answering(tmp_path / "s", lambda some: {"jws": [str(word.version) for word in some]}) as asked:
        signed = await AuthorityClient(tmp_path / "s").sign(words)
    assert signed == [str(number).encode() for number in range(1, 251)]
    assert asked == [100, 100, 50]
    assert await AuthorityClient(tmp_path / "nobody").sign([]) == []


@pytest.mark.parametrize("answer", [{}, {"jws": []}, {"jws": "x"}, {"jws": ["a", "b"]}, {"jws": None}])
async def test_an_answer_with_more_or_less_is_none(tmp_path: Path, answer: dict[str, Any]) -> None:
    async with answering(tmp_path / "s", lambda _: answer):
        with pytest.raises(AuthorityAway):
            await AuthorityClient(tmp_path / "s").sign([desired(ManualClock())])
