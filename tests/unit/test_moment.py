"""The time as the region tells it: whose word it is, for which question, and the ways of lying about it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging import jws, moment, signed
from messaging.errors import ExpiredWord, ForeignWord, MessageError, Unsigned
from messaging.moment import Moment, read_moment
from messaging.signed import Word, read_word
from provisioning.authority import certificates
from provisioning.authority.errors import MalformedRequest
from provisioning.authority.signing import WordSigner
from tests.kits.clock import ManualClock
from tests.kits.trust.signing import Forger, SigningKit, authority_in_memory

CLOCK = ManualClock()
NOW = CLOCK.wall()
KIT = SigningKit(CLOCK)
NONCE, OTHER = "0123456789abcdef" * 2, "f" * 32
STATION = "st-k3m9q2x7"
TOLD = WordSigner(KIT.authority, CLOCK).tell_time(NONCE)
DAY_S = 86_400.0


def forged(signer: Forger, at: float, nonce: str = NONCE) -> bytes:
    return moment.written(Moment(nonce, at), signer.key, moment.header_of(signer.chain))


def a_signer(**how: float) -> Forger:
    return Forger(CLOCK, KIT.authority._held.services, **how)  # type: ignore[arg-type]


def test_whoever_asked_is_told_the_authority_s_time_and_needs_no_clock_to_believe_it() -> None:
    assert read_moment(TOLD, nonce=NONCE, roots=KIT.roots) == NOW


def test_an_answer_to_another_question_is_none() -> None:
    with pytest.raises(ForeignWord):
        read_moment(TOLD, nonce=OTHER, roots=KIT.roots)


def test_nobody_below_another_root_tells_the_time() -> None:
    stranger = certificates.root("somebody else", certificates.validity(NOW, timedelta(days=9)))
    for roots in ((), (stranger.certificate,)):
        with pytest.raises(ForeignWord):
            read_moment(TOLD, nonce=NONCE, roots=roots)


@pytest.mark.parametrize("usage", [certificates.SERVER, certificates.CLIENT])
def test_neither_the_web_server_s_key_nor_a_station_s_tells_the_time(usage: certificates.Usage) -> None:
    for issuer in (KIT.authority._held.services, KIT.authority._held.stations):
        with pytest.raises(ForeignWord):
            read_moment(forged(Forger(CLOCK, issuer, (usage,)), NOW), nonce=NONCE, roots=KIT.roots)


@pytest.mark.parametrize("away_days", [-400, -2, 2, 400, 10_000])
def test_a_signer_s_key_tells_no_time_but_its_own(away_days: int) -> None:
    with pytest.raises(ExpiredWord):
        read_moment(forged(a_signer(), NOW + away_days * DAY_S), nonce=NONCE, roots=KIT.roots)


def test_a_word_to_a_station_is_no_time_and_a_time_no_word() -> None:
    word = KIT.jws(Word("desired", STATION, NOW, {"config": {}}, version=1))
    with pytest.raises(Unsigned):
        read_moment(word, nonce=NONCE, roots=KIT.roots)
    with pytest.raises(Unsigned):
        read_word(TOLD, kind="desired", station=STATION, roots=KIT.roots, wall=NOW, clock_trusted=True)
    signer = a_signer()
    disguised = jws.written(
        signed.header_of(signer.chain), json.dumps({"nonce": NONCE, "at": NOW}).encode(), signer.key
    )
    with pytest.raises(Unsigned):
        read_moment(disguised, nonce=NONCE, roots=KIT.roots)


@pytest.mark.parametrize(
    "claims", [{}, {"nonce": NONCE}, {"nonce": NONCE, "at": "now"}, {"nonce": NONCE, "at": -1.0}, []]
)
def test_a_true_signature_under_what_is_no_time_makes_it_none(claims: object) -> None:
    signer = a_signer()
    told = jws.written(moment.header_of(signer.chain), json.dumps(claims).encode(), signer.key)
    with pytest.raises(MessageError):
        read_moment(told, nonce=NONCE, roots=KIT.roots)


@given(st.integers(0, len(TOLD) - 1), st.integers(1, 255))
def test_no_byte_can_be_altered(place: int, by: int) -> None:
    altered = TOLD[:place] + bytes([TOLD[place] ^ by]) + TOLD[place + 1 :]
    with pytest.raises(MessageError):
        read_moment(altered, nonce=NONCE, roots=KIT.roots)


@given(st.binary(max_size=300))
def test_garbage_is_no_time(garbage: bytes) -> None:
    with pytest.raises(MessageError):
        read_moment(garbage, nonce=NONCE, roots=KIT.roots)


@pytest.mark.parametrize("nonce", ["", "0" * 31, "0" * 33, "G" * 32, "0" * 31 + "\n", "../../etc/passwd"])
def test_the_authority_signs_no_nonce_that_is_none(nonce: str) -> None:
    with pytest.raises(MalformedRequest):
        WordSigner(KIT.authority, CLOCK).tell_time(nonce)


def test_after_a_week_another_signer_tells_it_and_is_believed_as_well() -> None:
    clock = ManualClock()
    signer = WordSigner(authority_in_memory(clock), clock)
    for day in range(0, 30, 5):
        clock.set_wall(NOW + day * DAY_S)
        assert read_moment(signer.tell_time(NONCE), nonce=NONCE, roots=KIT.roots) == NOW + day * DAY_S
