"""Who gets the next certificate: the table of `provisioning.authority.renewal`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from provisioning.authority.ca import CertificateAuthority
from provisioning.authority.certificates import Issuer
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.errors import (
    CertificateNeeded,
    EnrolmentRefused,
    ForeignCertificate,
    RenewalTooLate,
    StationBarred,
    TooManyTries,
    TooMuchAsked,
    UnknownKey,
)
from provisioning.authority.offline import sign_intermediate
from provisioning.authority.renewal import GRACE_S, Renewals
from provisioning.authority.vault import begin_rotation, finish_rotation, load, open_authority, take_root_offline
from tests.kits.clock import ManualClock
from tests.kits.examples import examples
from tests.kits.trust.enrolment_store import InMemorySigner, MemoryStore, make_request

STATION = "st-k3m9q2x7"
DAY = 86_400.0


class Region:
    """A region with one enrolled station."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.authority = open_authority(folder / "ca", self.clock)
        self.signer = InMemorySigner(self.authority)
        self.store = MemoryStore(STATION)
        self.renewals = Renewals(self.store, self.signer, self.clock)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.request = make_request(self.key)

    async def enrolled(self) -> x509.Certificate:
        rules = Enrolment(self.store, self.signer, self.clock)
        certificate = await rules.enrol(STATION, await rules.invite(STATION), self.request, "here")
        self.store.given[-1] = replace(self.store.given[-1], issued=self.clock.wall())
        return certificate

    def later(self, days: float) -> None:
        self.clock.set_wall(self.clock.wall() + days * DAY)

    async def renew(self, shown: x509.Certificate | None) -> x509.Certificate:
        return await self.renewals.renew(self.request, shown, "here")


@pytest.fixture
async def region(tmp_path: Path) -> Region:
    return Region(tmp_path)


async def test_half_way_the_shown_certificate_gets_the_next_one_for_the_same_key_and_name(region: Region) -> None:
    first = await region.enrolled()
    region.later(23)
    second = await region.renew(first)
    assert (second.subject, second.public_key()) == (first.subject, first.public_key())
    assert second.not_valid_after_utc.timestamp() == region.clock.wall() + 45 * DAY


async def test_the_same_key_that_asks_again_gets_the_same_certificate(region: Region) -> None:
    first = await region.enrolled()
    assert await region.renew(first) == first, "just enrolled: there is nothing to renew"
    region.later(30)
    second = await region.renew(first)
    assert (await region.renew(first), await region.renew(second)) == (second, second)
    assert len(region.store.given) == 2


async def test_a_valid_certificate_has_to_be_shown(region: Region) -> None:
    await region.enrolled()
    region.later(23)
    with pytest.raises(CertificateNeeded):
        await region.renew(None)


@pytest.mark.parametrize("away", [46, 60, 45 + 180])
async def test_expired_while_it_was_away_the_registered_key_is_enough(region: Region, away: float) -> None:
    first = await region.enrolled()
    region.later(away)
    assert (await region.renew(None)).public_key() == first.public_key()


async def test_past_the_grace_only_a_new_code_helps(region: Region) -> None:
    await region.enrolled()
    region.later(45 + GRACE_S / DAY + 1)
    with pytest.raises(RenewalTooLate):
        await region.renew(None)


async def test_who_is_shut_out_or_revoked_gets_nothing(region: Region) -> None:
    first = await region.enrolled()
    region.store.given[-1] = replace(region.store.given[-1], revoked=region.clock.wall())
    with pytest.raises(StationBarred):
        await region.renew(first)
    region.store.given[-1] = replace(region.store.given[-1], revoked=None)
    region.store.stations.clear()
    with pytest.raises(StationBarred):
        await region.renew(first)


async def test_a_certificate_of_another_key_is_no_proof(region: Region) -> None:
    await region.enrolled()
    other = Region(region.folder / "other")
    with pytest.raises(ForeignCertificate):
        await region.renew(await other.enrolled())


async def test_any_number_behind_one_address_renews_at_once(region: Region) -> None:
    first = await region.enrolled()
    region.later(30)
    renewed = await asyncio.gather(*(region.renew(first) for _ in range(50)))
    assert all(one.not_valid_after_utc > first.not_valid_after_utc for one in renewed)


async def test_unknown_keys_at_once_are_counted_before_they_are_looked_at(region: Region) -> None:
    asked = (region.renewals.renew(make_request(), None, "guesser") for _ in range(30))
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(result, TooManyTries) for result in results) == 20


async def test_unknown_keys_are_counted_and_held_back(region: Region) -> None:
    for _ in range(10):
        with pytest.raises(UnknownKey):
            await region.renewals.renew(make_request(), None, "guesser")
    with pytest.raises(TooManyTries):
        await region.renewals.renew(make_request(), None, "guesser")


async def test_a_request_that_asks_for_more_is_refused_and_another_name_is_not_taken(region: Region) -> None:
    first = await region.enrolled()
    region.later(30)
    names = x509.SubjectAlternativeName([x509.DNSName("region.example")])
    greedy = make_request(region.key, extra=lambda builder: builder.add_extension(names, critical=False))
    with pytest.raises(TooMuchAsked):
        await region.renewals.renew(greedy, first, "here")
    renamed = make_request(region.key, name="region")
    assert (await region.renewals.renew(renamed, first, "here")).subject == first.subject


async def test_after_a_rotation_the_next_certificate_comes_from_the_new_intermediate(region: Region) -> None:
    first = await region.enrolled()
    root = region.folder / "ca"
    issuer = _root(root)
    now = region.clock.wall()
    made = sign_intermediate(issuer, "stations", begin_rotation(root, "stations", now, at_once=False), region.clock)
    finish_rotation(root, "stations", made, now, at_once=False)
    rotated = CertificateAuthority(load(root), region.clock)
    region.renewals = Renewals(region.store, InMemorySigner(rotated), region.clock)
    region.later(30)
    second = await region.renew(first)
    second.verify_directly_issued_by(made)


async def test_dropped_at_once_an_issuer_s_certificates_are_replaced_without_being_shown(region: Region) -> None:
    await region.enrolled()
    root = region.folder / "ca"
    now = region.clock.wall()
    request = begin_rotation(root, "stations", now, at_once=True)
    made = sign_intermediate(_root(root), "stations", request, region.clock)
    finish_rotation(root, "stations", made, now, at_once=True)
    region.renewals = Renewals(
        region.store, InMemorySigner(CertificateAuthority(load(root), region.clock)), region.clock
    )
    (await region.renew(None)).verify_directly_issued_by(made)


def _root(directory: Path) -> Issuer:
    return take_root_offline(directory)


@settings(max_examples=examples(25), deadline=None)
@drawn(days=st.floats(0, 400), shown=st.booleans(), revoked=st.booleans(), present=st.booleans())
async def test_whatever_the_time_no_one_gets_a_certificate_who_should_not(
    tmp_path_factory: pytest.TempPathFactory, days: float, shown: bool, revoked: bool, present: bool
) -> None:
    region = Region(tmp_path_factory.mktemp("region"))
    first = await region.enrolled()
    region.later(days)
    if revoked:
        region.store.given[-1] = replace(region.store.given[-1], revoked=region.clock.wall())
    if not present:
        region.store.stations.clear()
    try:
        certificate = await region.renew(first if shown else None)
    except EnrolmentRefused:
        assert revoked or not present or (not shown and (days <= 45 or days > 225))
    else:
        assert present
        assert not revoked
        assert certificate.public_key() == first.public_key()
        assert certificate.subject == first.subject
