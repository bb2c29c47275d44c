"""Door B at the region: who may ask, what IT decides, and that no other key ever gets in by it. On both databases."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from messaging.claim import CLAIM_PATH, ClaimAnswer, ClaimRequest, check_code
from messaging.codec import decode, encode
from provisioning.authority.enrolment import CODE_LIVES_S, Enrolment
from provisioning.authority.errors import CodeExpired, CodeUsed, KeyRefused, TooManyTries, WrongCode
from provisioning.authority.limiter import GuessLimiter
from provisioning.authority.renewal import Renewals
from provisioning.authority.request import key_name
from provisioning.authority.vault import open_authority
from region.addresses import Addresses
from region.registry import Conflict, Invalid, NotFound, Registry
from region.registry.claims import SILENT_S, WAITS_S
from region.registry.store import RegistryEnrolmentStore
from region.stations import claims as claims_module
from region.stations.claims import REFUSED_S, Chosen, ClaimService
from region.stations.est import build_est
from tests.kits.clock import ManualClock
from tests.kits.trust.enrolment_store import InMemorySigner, make_request

CODE = "0123456789ABCDEF"
WHERE = Addresses("https://region.example")


class Computer:
    """A station's hands."""

    def __init__(self, serial: str = "", code: str = CODE) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = key_name(self.key.public_key())
        self.request = make_request(self.key)
        self.code = code
        digest = hashlib.sha256(code.encode()).hexdigest()
        self.asks = ClaimRequest(base64.b64encode(self.request).decode(), digest, serial)

    def check(self, answer: ClaimAnswer) -> str:
        return check_code(self.name, self.asks.code_sha256, answer.nonce)


class Desk:
    """A region's claims, with clock and enrolment at hand."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.registry, self.clock = registry, ManualClock()
        self.claims = ClaimService(registry, self.clock, WHERE)
        signer = InMemorySigner(open_authority(folder / "ca", self.clock))
        store = RegistryEnrolmentStore(registry, self.clock)
        self.enrolment = Enrolment(store, signer, self.clock)
        transport = httpx.ASGITransport(
            build_est(self.enrolment, Renewals(store, signer, self.clock), signer, self.clock, self.claims)
        )
        self.http = httpx.AsyncClient(transport=transport, base_url="https://region.test:8402")
        self.site = 0

    async def ask(self, computer: Computer, address: str = "10.0.0.1") -> ClaimAnswer:
        return await self.claims.ask(computer.asks, computer.request, address)

    async def approved(self, computer: Computer, chosen: Chosen | None = None) -> str:
        check = computer.check(await self.ask(computer))
        chosen = chosen or Chosen(site_id=self.site, room="Stue 1")
        return (await self.claims.approve("ivan", computer.name, check, chosen)).id

    async def actions(self) -> list[str]:
        async with self.registry.read() as t:
            return [row.action for row in reversed(await t.audit.recent(50))]


@pytest.fixture
async def desk(registry: Registry, tmp_path: Path) -> Desk:
    desk = Desk(registry, tmp_path)
    async with registry.begin() as t:
        desk.site = (await t.sites.add("Solgården", 1.0)).id
    return desk


async def test_a_station_waits_is_approved_and_enrols_by_its_own_code(desk: Desk) -> None:
    computer = Computer()
    first = await desk.ask(computer)
    assert (first.state, first.page, first.station) == ("waiting", "https://region.example/claims", "")
    assert await desk.ask(computer) == first
    (waiting,) = await desk.claims.waiting()
    assert (waiting.check, waiting.known) == (computer.check(first), None)
    station = await desk.approved(computer)
    assert (await desk.ask(computer)).station == station
    assert await desk.claims.waiting() == []
    certificate = await desk.enrolment.enrol(station, CODE, computer.request, "a")
    assert certificate.public_key() == computer.key.public_key()
    assert await desk.enrolment.enrol(station, CODE, computer.request, "a") == certificate
    assert await desk.enrolment.confirm(station, certificate.not_valid_after_utc.timestamp())
    assert await desk.actions() == ["station.add", "claim.approve", "certificate", "enrolled"]


async def test_no_other_key_gets_in_even_with_the_code(desk: Desk) -> None:
    computer, other = Computer(), Computer()
    station = await desk.approved(computer)
    with pytest.raises(CodeUsed):
        await desk.enrolment.enrol(station, CODE, other.request, "a")
    with pytest.raises(WrongCode):
        await desk.enrolment.enrol(station, "F" * 16, computer.request, "a")
    assert await desk.enrolment.enrol(station, CODE, computer.request, "a")


async def test_an_approval_that_nobody_used_ends(desk: Desk) -> None:
    computer = Computer()
    station = await desk.approved(computer)
    await desk.clock.advance(CODE_LIVES_S + 1)
    with pytest.raises(CodeExpired):
        await desk.enrolment.enrol(station, CODE, computer.request, "a")
    assert (await desk.ask(computer)).state == "waiting"


async def test_other_digits_approve_and_refuse_nothing(desk: Desk) -> None:
    computer, other = Computer(), Computer()
    await desk.ask(computer)
    wrong = other.check(await desk.ask(other))
    for check in (wrong, "", "æøå"):
        with pytest.raises(Invalid):
            await desk.claims.approve("ivan", computer.name, check, Chosen(site_id=desk.site, room="Stue 1"))
        with pytest.raises(Invalid):
            await desk.claims.refuse("ivan", computer.name, check)
    assert len(await desk.claims.waiting()) == 2
    async with desk.registry.read() as t:
        assert await t.stations.all() == []


async def test_digits_of_an_older_claim_approve_nothing(desk: Desk) -> None:
    computer = Computer()
    old = computer.check(await desk.ask(computer))
    await desk.clock.advance(WAITS_S + 1)
    assert computer.check(await desk.ask(computer)) != old
    with pytest.raises(Invalid):
        await desk.claims.approve("ivan", computer.name, old, Chosen(site_id=desk.site, room="Stue 1"))


async def test_a_serial_number_known_in_advance_tells_which_station_it_is(desk: Desk) -> None:
    async with desk.registry.begin() as t:
        known = await t.stations.add("Stue 7", desk.site, None, 1.0, serial="10000000abcd")
    computer = Computer("10000000abcd")
    await desk.ask(computer)
    (waiting,) = await desk.claims.waiting()
    assert waiting.known is not None
    assert waiting.known.id == known.id
    assert await desk.approved(computer, Chosen(known.id)) == known.id


async def test_a_serial_number_is_kept_and_never_taken_from_another_station(desk: Desk) -> None:
    station = await desk.approved(Computer("10000000abcd"))
    other = await desk.approved(Computer("10000000abcd"), Chosen(site_id=desk.site, room="Stue 2"))
    async with desk.registry.read() as t:
        assert [(await t.stations.get(one)).serial for one in (station, other)] == ["10000000abcd", None]


async def test_what_cannot_be_chosen_changes_nothing(desk: Desk) -> None:
    station = await desk.approved(Computer())
    async with desk.registry.begin() as t:
        await t.stations.set_admission(station, "revoked")
    computer = Computer()
    for chosen, error in (
        (Chosen(), Invalid), (Chosen(site_id=desk.site), Invalid), (Chosen(site_id=99, room="x"), NotFound),
        (Chosen(site_id=desk.site, room="Stue 1"), Conflict), (Chosen("st-00000000"), NotFound),
        (Chosen(station), Conflict), (Chosen(site_id=desk.site, room="x", clinic_id=99), NotFound),
    ):  # fmt: skip
        with pytest.raises(error):
            await desk.approved(computer, chosen)
    assert len(await desk.claims.waiting()) == 1
    assert await desk.actions() == ["station.add", "claim.approve"]


async def test_of_two_who_decide_at_once_one_does(desk: Desk, beside: Registry) -> None:
    computer = Computer()
    check = computer.check(await desk.ask(computer))
    two = ClaimService(beside, desk.clock, WHERE)
    done = await asyncio.gather(
        desk.claims.approve("ivan", computer.name, check, Chosen(site_id=desk.site, room="Stue 1")),
        two.refuse("anna", computer.name, check),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict | NotFound) for one in done) == 1
    async with desk.registry.read() as t:
        state = "refused" if done[1] is None else "approved"
        assert (await desk.ask(computer)).state == state
        assert len(await t.stations.all()) == (state == "approved")


async def test_a_refused_station_is_told_so_for_an_hour_and_may_ask_again(desk: Desk) -> None:
    computer = Computer()
    await desk.claims.refuse("ivan", computer.name, computer.check(await desk.ask(computer)))
    assert (await desk.ask(computer)).state == "refused"
    assert await desk.actions() == ["claim.refuse"]
    await desk.clock.advance(REFUSED_S + 1)
    assert (await desk.ask(computer)).state == "waiting"


async def test_one_that_falls_silent_is_forgotten_and_one_that_asks_is_not(desk: Desk) -> None:
    silent, eager = Computer(), Computer()
    await desk.ask(silent)
    for _ in range(3):
        await desk.ask(eager)
        await desk.clock.advance(SILENT_S / 2)
    assert [one.claim.key_sha256 for one in await desk.claims.waiting()] == [eager.name]
    with pytest.raises(NotFound):
        await desk.claims.get(silent.name)


async def test_what_anybody_can_bring_about_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "MOST_OF_ONE", 2)
    monkeypatch.setattr(claims_module, "MOST_WAITING", 3)
    for _ in range(2):
        await desk.ask(Computer(), "2001:db8::1")
    with pytest.raises(TooManyTries):
        await desk.ask(Computer(), "2001:db8::2")
    await desk.ask(Computer(), "10.0.0.9")
    with pytest.raises(TooManyTries):
        await desk.ask(Computer(), "10.0.0.10")
    assert len(await desk.claims.waiting()) == 3
    await desk.clock.advance(SILENT_S + 1)
    await desk.ask(Computer(), "2001:db8::2")
    async with desk.registry.read() as t:
        assert len(await t.claims.all()) == 1


async def test_asking_too_often_is_held_back_and_costs_no_database(desk: Desk) -> None:
    desk.claims = ClaimService(desk.registry, desk.clock, WHERE, GuessLimiter(3, 60.0), GuessLimiter(2, 60.0))
    computer = Computer()
    for _ in range(3):
        await desk.ask(computer)
    with pytest.raises(TooManyTries) as told:
        await desk.ask(computer)
    assert 0 < told.value.retry_after_s <= 60
    await desk.ask(computer, "10.0.0.2")


async def test_the_same_key_with_another_code_gets_other_digits_and_none_once_it_is_approved(desk: Desk) -> None:
    computer = Computer()
    first = await desk.ask(computer)
    again = Computer(code="F" * 16)
    again.key, again.name, again.request = computer.key, computer.name, computer.request
    assert again.check(await desk.ask(again)) != computer.check(first)
    assert len(await desk.claims.waiting()) == 1
    await desk.approved(again)
    with pytest.raises(CodeUsed):
        await desk.ask(computer)


async def test_a_request_that_asks_for_more_or_is_not_signed_with_its_key_makes_no_claim(desk: Desk) -> None:
    der = bytearray(make_request())
    der[-1] ^= 1
    with pytest.raises(KeyRefused):
        await desk.claims.ask(Computer().asks, bytes(der), "10.0.0.1")
    assert await desk.claims.waiting() == []


# --- as it comes over HTTP ---


async def test_the_door_answers_a_claim_and_refuses_what_is_none(desk: Desk) -> None:
    computer = Computer()
    answer = await desk.http.post(CLAIM_PATH, json=encode(computer.asks))
    assert answer.status_code == 200
    assert decode(ClaimAnswer, answer.json()).state == "waiting"
    for body in (b"", b"[]", b"{}", b"\xff", b"[" * 5000, b'{"request": "MIIB", "code_sha256": "x"}'):
        refused = await desk.http.post(CLAIM_PATH, content=body)
        assert (refused.status_code, refused.json()) == (400, {"code": "malformed_request"}), body
    assert (await desk.http.post(CLAIM_PATH, content=b"x" * 1_000_000)).status_code == 413
    assert (await desk.http.get(CLAIM_PATH)).status_code == 405
    desk.claims._asks = GuessLimiter(1, 60.0)
    await desk.http.post(CLAIM_PATH, json=encode(computer.asks))
    held = await desk.http.post(CLAIM_PATH, json=encode(computer.asks))
    assert (held.status_code, held.json()) == (429, {"code": "too_many_tries"})
    await desk.http.aclose()
