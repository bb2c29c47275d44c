"""When a station renews its certificate, what it believes of the answer, and what the agent does about it."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from device.agent.renewing import EVERY_S, Renewing
from messaging.clock import SystemClock
from messaging.envelope import ClockTrust
from messaging.link.port import LinkDown
from provisioning.authority import certificates, vault
from provisioning.station.enrol import Enrolment
from provisioning.station.errors import Refused
from provisioning.station.keystore import Keystore
from provisioning.station.keystore import Renewing as Waiting
from provisioning.station.region_client import _learn
from provisioning.station.renew import Next, Renewal, due, next_step
from tests.kits.clock import ManualClock
from tests.kits.servers.est_server import EstServer, est_server

STATION = "st-k3m9q2x7"
DAY = 86_400.0


@given(st.floats(0, 2e9), st.floats(2 * DAY, 100 * DAY), st.floats(-10 * DAY, 200 * DAY))
def test_nothing_is_asked_before_half_life_and_always_after(begins: float, lasts: float, at: float) -> None:
    validity = (begins, begins + lasts)
    step = next_step(validity, None, begins + at)
    assert (step is Next.ASK) == (begins + at >= due(validity))
    assert validity[0] < due(validity) < validity[1]


def test_what_waits_is_tried_for_a_day_and_then_asked_for_anew() -> None:
    old, new = (0.0, 46 * DAY), (30 * DAY, 76 * DAY)
    assert next_step(old, new, 31.5 * DAY) is Next.TRY
    assert next_step(old, new, 33 * DAY) is Next.ASK
    assert next_step(None, None, 0.0) is Next.ASK


async def _taken(_: Waiting) -> None:
    """The broker takes it."""


async def _enrolled(region: EstServer, folder: Path) -> Keystore:
    await region.print_code(folder / "code.toml")
    keystore = Keystore(folder / "state")
    await Enrolment(keystore, folder / "code.toml").enrol()
    return keystore


async def test_a_broker_that_does_not_take_it_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    async def refused(_: Waiting) -> None:
        raise LinkDown("not taken")

    async with est_server(tmp_path / "region", STATION) as region:
        keystore = await _enrolled(region, tmp_path)
        before = keystore.certificate.read_bytes()
        region.clock.set_wall(region.clock.wall() + 30 * DAY)
        now = SystemClock().wall() + 24 * DAY
        with pytest.raises(LinkDown):
            await Renewal(keystore, refused).renew(now)
        assert keystore.certificate.read_bytes() == before
        asked = len(region.asked)
        region.clock.set_wall(SystemClock().wall())
        waiting = keystore.renewing
        assert waiting is not None
        new = waiting.certificate.read_bytes()
        assert await Renewal(keystore, _taken).renew(SystemClock().wall() + DAY / 2)
        assert (keystore.certificate.read_bytes(), len(region.asked)) == (new, asked), "it was asked for twice"


async def test_one_that_is_ordered_does_not_wait_for_half_of_its_life(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        keystore = await _enrolled(region, tmp_path)
        before, now = keystore.certificate.read_bytes(), SystemClock().wall()
        assert not await Renewal(keystore, _taken).renew(now)
        region.clock.set_wall(now + 15 * DAY)
        assert await Renewal(keystore, _taken).renew(now + 15 * DAY, early=True)
        assert keystore.certificate.read_bytes() != before


async def test_a_new_enrolment_drops_a_renewal_of_the_old_key(tmp_path: Path) -> None:
    async with est_server(tmp_path / "region", STATION) as region:
        keystore = await _enrolled(region, tmp_path)
        keystore.stage_renewal(keystore.certificate.read_bytes(), keystore.ca.read_bytes())
        (tmp_path / "code.toml").unlink()
        await region.print_code(tmp_path / "code.toml")
        await Enrolment(keystore, tmp_path / "code.toml").enrol()
    assert keystore.renewing is None


def _root(folder: Path) -> certificates.Issuer:
    vault.open_authority(folder, ManualClock())
    return vault.take_root_offline(folder)


def test_a_new_root_is_believed_only_by_the_word_of_one_that_is_trusted(tmp_path: Path) -> None:
    old, new = _root(tmp_path / "old"), vault.new_root(ManualClock(), "Another root")
    vouched = certificates.cross_sign(new.certificate, old)
    assert _learn((old.certificate,), (new.certificate, vouched)).roots == (new.certificate, old.certificate)
    assert _learn((old.certificate,), (new.certificate,)).roots == (old.certificate,)
    stranger = vault.new_root(ManualClock(), "A stranger")
    forged = certificates.cross_sign(new.certificate, stranger)
    assert _learn((old.certificate,), (new.certificate, forged, stranger.certificate)).roots == (old.certificate,)


def test_an_intermediate_can_not_make_itself_a_root(tmp_path: Path) -> None:
    old = _root(tmp_path / "old")
    stations = vault.load_issuer(tmp_path / "old", "stations")
    period = certificates.validity(ManualClock().wall(), certificates.timedelta(days=9))
    forged = certificates.root("Laegeknap stations", period)
    same_key = _self_signed(stations, period)
    learnt = _learn((old.certificate,), (stations.certificate, forged.certificate, same_key))
    assert learnt.roots == (old.certificate,)


def _self_signed(issuer: certificates.Issuer, period: certificates.Validity) -> x509.Certificate:
    key = issuer.key.public_key()
    made = certificates.sign_intermediate("Laegeknap stations", key, period, issuer, ())
    assert made.public_bytes(Encoding.DER)
    return made


class _Told:
    """A renewal that answers as told."""

    def __init__(self, *outcomes: bool | Exception) -> None:
        self.outcomes = list(outcomes)
        self.asked = 0

    async def renew(self, _now: float, *, early: bool = False) -> bool:
        self.asked += 1
        self.early = early
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def _renewing(renewal: _Told, trust: ClockTrust, ends: float, renewed: list[int]) -> Renewing:
    clock = ManualClock()
    return Renewing(
        renewal, clock, random.Random(1), lambda: trust, lambda: (0.0, clock.wall() + ends),  # type: ignore[arg-type]
        lambda: renewed.append(1),
    )  # fmt: skip


async def test_a_clock_that_was_never_set_decides_nothing() -> None:
    renewal = _Told()
    await _renewing(renewal, "unset", DAY, []).look()
    assert renewal.asked == 0


async def test_once_the_clock_is_believed_it_is_looked_at_anew_at_once() -> None:
    """Weeks offline, and at 1970: what to renew is known only then, and nobody waits out the hour."""
    clock, trust, renewal = ManualClock(), ["unset"], _Told(True)
    renewing = Renewing(
        renewal, clock, random.Random(1), lambda: trust[0], lambda: (0.0, DAY), lambda: None,  # type: ignore[arg-type, return-value]
    )  # fmt: skip
    running = asyncio.create_task(renewing.run())
    await clock.advance(120)
    assert renewal.asked == 0
    trust[0] = "ntp"
    await clock.advance(10)
    running.cancel()
    assert renewal.asked == 1


async def test_one_that_is_ordered_is_answered_with_why_not() -> None:
    renewed: list[int] = []
    renewal = _Told(True, Refused("renewal_too_late"), LinkDown("away"), False)
    renewing = _renewing(renewal, "ntp", DAY, renewed)
    assert [await renewing.at_once() for _ in range(4)] == ["", "renewal_too_late", "broker_or_disk", ""]
    assert (renewed, renewal.early) == ([1], True)
    assert await _renewing(_Told(), "unset", DAY, []).at_once() == "clock"


async def test_what_the_region_refuses_for_good_is_kept_to_be_shown_until_it_is_over() -> None:
    renewed: list[int] = []
    renewing = _renewing(_Told(Refused("renewal_too_late"), LinkDown("away"), True), "ntp", -DAY, renewed)
    await renewing.look()
    assert renewing.refusal == "renewal_too_late"
    await renewing.look()
    await renewing.look()
    assert (renewing.refusal, renewed) == ("", [1])


@pytest.mark.parametrize(("ends", "least", "most"), [(DAY, 0.75 * EVERY_S, 1.25 * EVERY_S), (-DAY, 0.0, 600.0)])
def test_it_looks_hourly_with_jitter_and_sooner_once_it_has_expired(ends: float, least: float, most: float) -> None:
    renewing = _renewing(_Told(), "ntp", ends, [])
    pauses = [renewing._pause() for _ in range(50)]
    assert least <= min(pauses) < max(pauses) <= most
