"""The rules of enrolment: one code, one key, one certificate; and nothing learnt by guessing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from messaging.enrolment import CODE
from provisioning.authority.ca import CertificateAuthority
from provisioning.authority.enrolment import CODE_LIVES_S, Enrolment
from provisioning.authority.errors import (
    CodeExpired,
    CodeUsed,
    EnrolmentRefused,
    KeyRefused,
    StationBarred,
    TooManyTries,
    WrongCode,
)
from provisioning.authority.limiter import GuessLimiter
from provisioning.authority.vault import open_authority
from tests.kits.clock import ManualClock
from tests.kits.trust.enrolment_store import InMemorySigner, MemoryStore, make_request

STATION = "st-k3m9q2x7"
OTHER = "st-00000001"


class House:
    """One region's enrolment, with its store and clock at hand."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(STATION, OTHER)
        self.authority: CertificateAuthority = open_authority(directory / "ca", self.clock)
        self.enrolment = Enrolment(self.store, InMemorySigner(self.authority), self.clock)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_the_right_code_gets_a_certificate_in_the_station_s_name(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = await house.enrolment.enrol(STATION, code, make_request(key, name="region"), "10.0.0.1")
    assert certificate.subject.rfc4514_string() == f"CN={STATION}"
    assert certificate.public_key() == key.public_key()


@pytest.mark.parametrize("name", ["+", "#", "/", "st-k3m9q2x7/#", "../region", OTHER, "region", "CN=x,O=y"])
async def test_no_name_in_a_request_becomes_the_certificate_s(house: House, name: str) -> None:
    """The topics that a station may use are made of its certificate's name: it is the code's, whatever is asked."""
    code = await house.enrolment.invite(STATION)
    certificate = await house.enrolment.enrol(STATION, code, make_request(name=name), "10.0.0.1")
    assert certificate.subject.rfc4514_string() == f"CN={STATION}"


async def test_a_code_is_80_random_bits_and_is_not_kept(house: House) -> None:
    codes = {await house.enrolment.invite(STATION) for _ in range(20)}
    assert len(codes) == 20
    assert all(CODE.fullmatch(code) for code in codes)
    assert not any(code in repr(house.store.rows) for code in codes)


async def test_the_same_key_and_code_always_get_the_same_certificate(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    key = ec.generate_private_key(ec.SECP256R1())
    first = await house.enrolment.enrol(STATION, code, make_request(key), "a")
    await house.clock.advance(3 * 86_400)
    assert await house.enrolment.enrol(STATION, code, make_request(key), "b") == first
    await house.enrolment.confirm(STATION, first.not_valid_after_utc.timestamp())
    assert await house.enrolment.enrol(STATION, code, make_request(key), "b") == first


async def test_an_answer_that_was_lost_can_be_fetched_again_after_the_code_s_end(house: House) -> None:
    code = await house.enrolment.invite(STATION, lives_s=60)
    key = ec.generate_private_key(ec.SECP256R1())
    first = await house.enrolment.enrol(STATION, code, make_request(key), "a")
    await house.clock.advance(3600)
    assert await house.enrolment.enrol(STATION, code, make_request(key), "a") == first


async def test_no_second_key_gets_in_with_the_code(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    await house.enrolment.enrol(STATION, code, make_request(), "a")
    with pytest.raises(CodeUsed):
        await house.enrolment.enrol(STATION, code, make_request(), "a")


async def test_of_two_keys_at_once_exactly_one_gets_in(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    tries = [house.enrolment.enrol(STATION, code, make_request(), f"s{i}") for i in range(5)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, CodeUsed) for result in results) == 4


async def test_an_unused_code_expires(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    await house.clock.advance(CODE_LIVES_S + 1)
    with pytest.raises(CodeExpired):
        await house.enrolment.enrol(STATION, code, make_request(), "a")


async def test_a_new_code_replaces_the_old(house: House) -> None:
    old = await house.enrolment.invite(STATION)
    new = await house.enrolment.invite(STATION)
    with pytest.raises(WrongCode):
        await house.enrolment.enrol(STATION, old, make_request(), "a")
    assert await house.enrolment.enrol(STATION, new, make_request(), "a")


async def test_a_code_replaced_between_check_and_issue_gets_nothing(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    honest = house.store.bind

    async def replaced_meanwhile(station: str, code_sha256: str, key_sha256: str, certificate: bytes) -> object:
        await house.enrolment.invite(STATION)
        return await honest(station, code_sha256, key_sha256, certificate)

    house.store.bind = replaced_meanwhile  # type: ignore[method-assign,assignment]
    with pytest.raises(WrongCode):
        await house.enrolment.enrol(STATION, code, make_request(), "a")


@pytest.mark.parametrize("station", [OTHER, "st-unknown1", "region", "", "../../etc", "+", "#"])
async def test_unknown_stations_and_wrong_codes_are_told_the_same(house: House, station: str) -> None:
    code = await house.enrolment.invite(STATION)
    await house.enrolment.invite(OTHER)
    with pytest.raises(WrongCode) as told:
        await house.enrolment.enrol(station, code, make_request(), "a")
    assert str(told.value) == "no such station, or not its code"


async def test_a_station_taken_out_of_use_gets_neither_code_nor_certificate(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    house.store.stations.clear()
    with pytest.raises(StationBarred):
        await house.enrolment.enrol(STATION, code, make_request(), "a")
    with pytest.raises(StationBarred):
        await house.enrolment.invite(STATION)


async def test_a_bad_request_does_not_use_the_code_up(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    with pytest.raises(KeyRefused):
        weak = ec.generate_private_key(ec.SECP384R1())
        await house.enrolment.enrol(STATION, code, make_request(weak), "a")
    assert await house.enrolment.enrol(STATION, code, make_request(), "a")


async def test_the_code_burns_when_the_station_was_seen_with_the_certificate_it_gave(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    assert not await house.enrolment.confirm(STATION, None)
    certificate = await house.enrolment.enrol(STATION, code, make_request(), "a")
    expires = certificate.not_valid_after_utc.timestamp()
    assert await house.enrolment.confirm(STATION, expires)
    assert house.store.rows[STATION].burnt == house.clock.wall()
    assert not await house.enrolment.confirm(STATION, expires)


async def test_the_old_station_still_connected_does_not_burn_the_code_of_its_successor(house: House) -> None:
    old_code = await house.enrolment.invite(STATION)
    old = await house.enrolment.enrol(STATION, old_code, make_request(), "a")
    await house.clock.advance(5)
    code = await house.enrolment.invite(STATION)
    assert not await house.enrolment.confirm(STATION, old.not_valid_after_utc.timestamp())
    await house.enrolment.enrol(STATION, code, make_request(), "a")
    assert not await house.enrolment.confirm(STATION, old.not_valid_after_utc.timestamp())
    assert house.store.rows[STATION].burnt is None


async def test_guessing_is_stopped_and_starts_again_only_after_a_while(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    for _ in range(10):
        with pytest.raises(WrongCode):
            await house.enrolment.enrol(STATION, "0" * 16, make_request(), "a")
    with pytest.raises(TooManyTries) as told:
        await house.enrolment.enrol(STATION, code, make_request(), "a")
    assert told.value.retry_after_s == 600
    assert await house.enrolment.enrol(STATION, code, make_request(), "somebody else")
    await house.clock.advance(600)
    with pytest.raises(CodeUsed):
        await house.enrolment.enrol(STATION, code, make_request(), "a")


async def test_a_whole_care_home_behind_one_address_enrols_at_once(house: House) -> None:
    stations = [f"st-{number:08d}" for number in range(50)]
    house.store.stations |= set(stations)
    codes = [await house.enrolment.invite(station) for station in stations]
    asked = [
        house.enrolment.enrol(one, code, make_request(), "one address")
        for one, code in zip(stations, codes, strict=True)
    ]
    assert len(await asyncio.gather(*asked)) == len(stations), "honest tries under way are nobody's guesses"
    assert len(house.enrolment._turns) == 0, "an address that asks no more is forgotten"


async def test_guesses_at_once_are_counted_before_they_are_looked_at(house: House) -> None:
    await house.enrolment.invite(STATION)
    tries = [house.enrolment.enrol(STATION, "0" * 16, make_request(), "a") for _ in range(30)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, TooManyTries) for result in results) == 20


async def test_no_error_repeats_a_code(house: House) -> None:
    code = await house.enrolment.invite(STATION)
    await house.enrolment.enrol(STATION, code, make_request(), "a")
    for given_code in (code, code[::-1]):
        with pytest.raises(EnrolmentRefused) as told:
            await house.enrolment.enrol(STATION, given_code, make_request(), "a")
        assert given_code not in str(told.value)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 30), st.booleans()), max_size=60))
def test_no_window_ever_holds_more_guesses_than_allowed(tries: list[tuple[str, float, bool]]) -> None:
    limiter, now, admitted = GuessLimiter(tries=3, window_s=60), 0.0, dict[str, list[float]]()
    for source, after, honest in tries:
        now += after
        wait = limiter.take(source, now)
        if wait == 0 and honest:
            limiter.give_back(source)
        elif wait == 0:
            admitted.setdefault(source, []).append(now)
        else:
            assert 0 < wait <= 60
        recent = [at for at in admitted.get(source, []) if at > now - 60]
        assert len(recent) <= 3


def test_a_flood_of_sources_takes_no_memory_without_end() -> None:
    limiter = GuessLimiter(tries=1, most_sources=100)
    for source in range(1000):
        assert limiter.take(str(source), 0.0) == 0
    assert len(limiter._taken) == 100
