"""Door B at the region: stations that ask to be claimed, and whoever of IT approves or refuses them.

    a claim              is forgotten
    waits                10 minutes after its station last asked, or a day after it first did (then it gets a new nonce)
    was refused          an hour after that
    was approved         when its code has expired: its station has enrolled by then, or asks anew

What anybody can bring about from outside is bounded: so many asks and so many new claims an address in a while, so many
that wait of one address and in all. An address is a whole /64 of IPv6. Many stations may stand behind one address.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from messaging.claim import ClaimAnswer, ClaimRequest, check_code
from messaging.clock import Clock
from provisioning.authority.enrolment import CODE_LIVES_S
from provisioning.authority.errors import CodeUsed, TooManyTries
from provisioning.authority.limiter import GuessLimiter
from provisioning.authority.ports import Invitation
from provisioning.authority.request import read_request
from region.addresses import Addresses
from region.registry import Conflict, Invalid, NotFound, Registry, Transaction
from region.registry.claims import SILENT_S, WAITS_S
from region.registry.records import Claim, Station
from region.sources import source_of
from region.stations.service import tell_change

MOST_WAITING = 512
MOST_OF_ONE = 64
RETRY_S = 15
REFUSED_RETRY_S = 60
FULL_RETRY_S = 300.0
REFUSED_S = 3600.0
_SEEN_EVERY_S = 60.0


@dataclass(frozen=True)
class Waiting:
    """A claim as people see it; `known` is the station that its serial number was given to in advance."""

    claim: Claim
    check: str
    known: Station | None


@dataclass(frozen=True)
class Chosen:
    """Which station it becomes: one that is there (`station_id`), or a new one in that room of that site."""

    station_id: str = ""
    site_id: int | None = None
    room: str = ""
    clinic_id: int | None = None


def check_of(claim: Claim) -> str:
    """The six digits on its station's screen."""
    return check_code(claim.key_sha256, claim.code_sha256, claim.nonce)


class ClaimService:
    """`actor` is whom the audit names: as `region.registry.actors` has it."""

    def __init__(
        self, registry: Registry, clock: Clock, addresses: Addresses, asks: GuessLimiter | None = None,
        new: GuessLimiter | None = None,
    ) -> None:  # fmt: skip
        self._registry = registry
        self._clock = clock
        self._page = f"{addresses.public_url}/claims"
        self._asks = asks or GuessLimiter(tries=600, window_s=60.0, most_sources=1000)
        self._new = new or GuessLimiter(tries=2 * MOST_OF_ONE, window_s=3600.0)

    # --- what stations ask ---

    async def ask(self, asked: ClaimRequest, request_der: bytes, address: str) -> ClaimAnswer:
        """How the claim of this request's key stands, made if need be; RequestRefused or EnrolmentRefused."""
        source, now = source_of(address), self._clock.wall()
        self._hold_back(self._asks, source)
        key_sha256 = read_request(request_der).key_sha256
        async with self._registry.read() as t:
            claim = await t.claims.find(key_sha256)
        if claim is None or self._is_over(claim, now) or claim.code_sha256 != asked.code_sha256:
            claim = await self._make(key_sha256, asked, address, now)
        elif claim.state == "waiting" and now - claim.seen_at > _SEEN_EVERY_S:
            async with self._registry.begin() as t:
                await t.claims.seen(key_sha256, now)
        retry_s = REFUSED_RETRY_S if claim.state == "refused" else RETRY_S
        return ClaimAnswer(claim.state, claim.nonce, self._page, retry_s, claim.station_id or "")

    async def _make(self, key_sha256: str, asked: ClaimRequest, address: str, now: float) -> Claim:
        source = source_of(address)
        self._hold_back(self._new, source)
        async with self._registry.begin() as t:
            await t.claims.alone()
            await _sweep(t, now)
            known = await t.claims.find(key_sha256)
            if known is not None and known.code_sha256 == asked.code_sha256:
                return known  # of two asks at once, the first one's
            if known is not None and known.state != "waiting":
                raise CodeUsed("this key has been claimed with another code")
            if known is not None:
                await t.claims.drop(key_sha256)
            if await t.claims.waiting() >= MOST_WAITING or await t.claims.waiting(source) >= MOST_OF_ONE:
                raise TooManyTries(FULL_RETRY_S)
            taken = {check_of(one) for one in await t.claims.all()}
            claim = _new_claim(key_sha256, asked, address, now, taken)
            await t.claims.add(claim)
        return claim

    def _hold_back(self, limiter: GuessLimiter, source: str) -> None:
        wait_s = limiter.take(source, self._clock.monotonic())
        if wait_s > 0:
            raise TooManyTries(wait_s)

    def _is_over(self, claim: Claim, now: float) -> bool:
        match claim.state:
            case "waiting":
                return now - claim.made_at > WAITS_S or now - claim.seen_at > SILENT_S
            case "refused":
                return now - (claim.decided_at or now) > REFUSED_S
            case "approved":
                return now - (claim.decided_at or now) > CODE_LIVES_S

    # --- what people do ---

    async def waiting(self) -> list[Waiting]:
        """Those that wait for somebody's decision, the oldest first."""
        now = self._clock.wall()
        async with self._registry.read() as t:
            found = [one for one in await t.claims.all() if one.state == "waiting" and not self._is_over(one, now)]
            return [await _seen_by_people(t, one) for one in found]

    async def get(self, key_sha256: str) -> Waiting:
        """The claim of that key, or NotFound: it may have been decided, or its station has fallen silent."""
        async with self._registry.read() as t:
            claim = await t.claims.find(key_sha256)
            if claim is None or claim.state != "waiting" or self._is_over(claim, self._clock.wall()):
                raise NotFound("no such claim waits")
            return await _seen_by_people(t, claim)

    async def approve(self, actor: str, key_sha256: str, check: str, chosen: Chosen) -> Station:
        """Let the station with this key, whose screen shows these six digits, become that station of the registry.

        Invalid where the digits are others: of another key, or of an older claim. Conflict where somebody has decided
        meanwhile. Nothing is given to the station here: it enrols by its own code, with this key alone.
        """
        now = self._clock.wall()
        claim = (await self.get(key_sha256)).claim
        if not hmac.compare_digest(check.encode(), check_of(claim).encode()):
            raise Invalid("check: the station shows other digits")
        async with self._registry.begin() as t:
            station = await self._station(t, actor, claim, chosen, now)
            await self._decide(t, claim, station.id, actor, now)
            expires = now + CODE_LIVES_S
            await t.enrolments.put(Invitation(station.id, claim.code_sha256, expires, claim.key_sha256))
            await t.audit.add(
                actor, "claim.approve", "done", now, station_id=station.id, key=claim.key_sha256, address=claim.address
            )
        return station

    async def refuse(self, actor: str, key_sha256: str, check: str) -> None:
        """Nobody of ours: its station is told so."""
        now = self._clock.wall()
        claim = (await self.get(key_sha256)).claim
        if not hmac.compare_digest(check.encode(), check_of(claim).encode()):
            raise Invalid("check: the station shows other digits")
        async with self._registry.begin() as t:
            await self._decide(t, claim, None, actor, now)
            await t.audit.add(actor, "claim.refuse", "done", now, key=claim.key_sha256, address=claim.address)

    async def _decide(self, t: Transaction, claim: Claim, station_id: str | None, actor: str, now: float) -> None:
        if not await t.claims.decide(claim.key_sha256, claim.nonce, station_id, actor, now):
            raise Conflict("somebody has decided meanwhile")

    async def _station(self, t: Transaction, actor: str, claim: Claim, chosen: Chosen, now: float) -> Station:
        holder = await t.stations.with_serial(claim.serial) if claim.serial else None
        if not chosen.station_id:
            return await self._new_station(t, actor, claim.serial if holder is None else "", chosen, now)
        station = await t.stations.get(chosen.station_id)
        if station.admission != "admitted":
            raise Conflict(f"{station.id} is shut out: let it in again first")
        if claim.serial and holder is None:
            await t.stations.set_serial(station.id, claim.serial)
            known = await t.stations.get(station.id)
            await tell_change(t, actor, station, known, now)
            return known
        return station

    async def _new_station(self, t: Transaction, actor: str, serial: str, chosen: Chosen, now: float) -> Station:
        if chosen.site_id is None:
            raise Invalid("site: choose one")
        if any(one.site_id == chosen.site_id and one.room == chosen.room for one in await t.stations.all()):
            raise Conflict("a station stands in that room: choose it, or name another room")
        station = await t.stations.add(
            chosen.room, chosen.site_id, chosen.clinic_id, now, serial=serial or None, by=actor
        )
        await t.audit.add(
            actor, "station.add", "done", now, station_id=station.id, name=station.name, site=station.site,
            room=station.room,
        )  # fmt: skip
        return station


async def _sweep(t: Transaction, now: float) -> None:
    await t.claims.sweep(now - WAITS_S, now - SILENT_S, now - REFUSED_S, now - CODE_LIVES_S)


async def _seen_by_people(t: Transaction, claim: Claim) -> Waiting:
    known = await t.stations.with_serial(claim.serial) if claim.serial else None
    return Waiting(claim, check_of(claim), known)


def _new_claim(key_sha256: str, asked: ClaimRequest, address: str, now: float, taken: set[str]) -> Claim:
    """Its check code is no other's: whoever compares digits must not find two alike."""
    while True:
        nonce = secrets.token_hex(16)
        if check_code(key_sha256, asked.code_sha256, nonce) not in taken:
            return Claim(
                key_sha256, asked.code_sha256, nonce, asked.serial, address[:64], source_of(address), "waiting", None,
                now, now, None, "",
            )  # fmt: skip
