"""Whom nobody lets in any more, carried to the broker: the registry decides, this looks each second and acts.

A station is shut out in this order: the registry (enrolment, renewal and ingest refuse at once), its call (it is told
while it can still hear), the broker's access list and revocation list (nothing is taken from it or passed to it any
more), its connections (taken over under their own client ids, which mosquitto 2.0 allows the region's user and which
breaks them off at once). A change by the command line or by another process travels the same way. Of a station that was
removed from the registry the broker then forgets what it kept; its line of the access list goes when its last
certificate has expired.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from messaging.client_ids import client_id
from messaging.clock import Clock
from messaging.link.port import LinkError
from messaging.status import Connection, Process
from provisioning.authority.errors import AuthorityError
from provisioning.authority.ports import Given
from region.registry import Registry, RegistryError, Transaction
from region.web.subject import PresenceChange

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
REWRITE_EVERY_S = 7 * 86_400.0
CHAIN_EVERY_S = 10.0  # how soon a new issuer gets its list: mosquitto refuses certificates of one that has none
_ROUNDS = 3  # one that comes back between the two is cut off again: mosquitto says nothing when it has read its files
_EARS_WITHIN_S, _EARS_EVERY_S = 3.0, 0.1
_PROCESSES: tuple[Process, ...] = ("agent", "call")


class Revocations(Protocol):
    """Whoever signs revocation lists; AuthorityError when it does not."""

    async def chain(self) -> tuple[x509.Certificate, ...]:
        """The roots and the intermediates in force."""

    async def revocation_lists(self, revoked: Sequence[Given]) -> bytes:
        """The lists that name these certificates, PEM; one for each issuer of the chain."""


PutInForce = Callable[[Iterable[str], bytes | None], None]  # shut-out stations; revocation lists, None: as before


@dataclass(frozen=True)
class Door:
    """The broker, as the gate works it."""

    put_in_force: PutInForce
    cut_off: Callable[[str], Awaitable[None]]  # whoever is connected under this client id; LinkError
    clear: Callable[[str], Awaitable[None]]  # have it keep nothing more of that station; LinkError
    hears: Callable[[], bool] = lambda: True  # whether the region's own client, for which it keeps things, is connected


class Lists:
    """What the broker reads of who is let in: written anew when it has changed."""

    def __init__(self, revocations: Revocations, put_in_force: PutInForce) -> None:
        self._revocations = revocations
        self._put_in_force = put_in_force
        self._shut_out: frozenset[str] = frozenset()
        self._listed: frozenset[str] | None = None  # what the lists in force name
        self._listed_at = float("-inf")
        self._issuers: frozenset[bytes] = frozenset()  # those that have lists
        self._asked_at = float("-inf")

    async def follow(self, shut_out: frozenset[str], refused: Sequence[Given], now: float) -> None:
        """Have them say this. While the authority is away, the revocation lists stay as they are."""
        serials = frozenset(one.serial for one in refused)
        lists: bytes | None = None
        issuers = self._issuers
        try:
            if now - self._asked_at >= CHAIN_EVERY_S:
                issuers, self._asked_at = await self._chain(), now
            if (serials, issuers) != (self._listed, self._issuers) or now - self._listed_at > REWRITE_EVERY_S:
                lists = await self._revocations.revocation_lists(refused)
        except AuthorityError as error:
            _log.error("the revocation list waits (%s): %s", error.code, error)
        if lists is None and shut_out == self._shut_out:
            return
        self._put_in_force(shut_out, lists)
        self._shut_out = shut_out
        if lists is not None:
            self._listed, self._listed_at, self._issuers = serials, now, issuers

    async def _chain(self) -> frozenset[bytes]:
        return frozenset(one.fingerprint(hashes.SHA256()) for one in await self._revocations.chain())


class Gate:
    """`let_go` are those who hold something of a station: its call, what is shown of it."""

    def __init__(self, registry: Registry, revocations: Revocations, door: Door, clock: Clock) -> None:
        self.let_go: list[Callable[[str], Awaitable[None]]] = []
        self.presence: list[Callable[[PresenceChange], Awaitable[None]]] = []
        self._registry = registry
        self._lists = Lists(revocations, door.put_in_force)
        self._door = door
        self._clock = clock
        self._shut_out: frozenset[str] = frozenset()  # those who were let go
        self._rounds: dict[str, int] = {}
        self._leaving: frozenset[str] = frozenset()  # those removed, of whom the broker still keeps something

    async def run(self) -> None:
        """Look for ever.

        mosquitto 2.0.11 keeps nothing more for a client that is away while it reads its lists again: ours comes first.
        """
        waited_until = self._clock.monotonic() + _EARS_WITHIN_S
        while not self._door.hears() and self._clock.monotonic() < waited_until:
            await self._clock.sleep(_EARS_EVERY_S)
        while True:
            try:
                await self.look()
            except RegistryError as error:
                _log.error("who is let in cannot be looked up: %s", error)
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Carry to the broker what the registry has decided since the last look."""
        now = self._clock.wall()
        shut_out, refused, leaving = await self._decided(now)
        for station in shut_out - self._shut_out:
            await self._tell(self.let_go, station)
        for station in (shut_out - self._shut_out) | (leaving - self._leaving):
            self._rounds[station] = _ROUNDS
        await self._lists.follow(shut_out, refused, now)
        self._shut_out = shut_out
        for station in [one for one in self._rounds if one in shut_out]:
            await self._cut_off(station, [one for one in refused if one.station == station])
        self._rounds = {one: left - 1 for one, left in self._rounds.items() if left > 1 and one in shut_out}
        self._leaving = leaving
        await self._clear(sorted(one for one in leaving if one not in self._rounds))

    async def stand_by(self) -> None:
        """A look while another process is on duty: the broker beside this one reads what this one writes."""
        now = self._clock.wall()
        shut_out, refused, _ = await self._decided(now)
        await self._lists.follow(shut_out, refused, now)

    async def _decided(self, now: float) -> tuple[frozenset[str], Sequence[Given], frozenset[str]]:
        """Who is shut out, which certificates are refused, and of whom the broker is to forget everything."""
        async with self._registry.read() as t:
            return await shut_out_of(t, now), await t.certificates.refused(now), await t.removals.uncleared()

    async def _clear(self, leaving: Sequence[str]) -> None:
        """Whoever is out for good writes nothing more: what the broker keeps of them can be taken away."""
        gone = []
        for station in leaving:
            try:
                await self._door.clear(station)
            except LinkError as error:
                _log.warning("what the broker keeps of %s, which was removed, stays for now: %s", station, error)
                break
            gone.append(station)
        if gone:
            async with self._registry.begin() as t:
                await t.removals.cleared(gone, self._clock.wall())

    async def _cut_off(self, station: str, certificates: Sequence[Given]) -> None:
        keys = {_public_key(one) for one in certificates}
        for process, key in product(_PROCESSES, sorted(keys)):
            try:
                await self._door.cut_off(client_id(station, process, key))
            except LinkError as error:
                _log.warning("the %s of %s was not cut off: %s", process, station, error)
        for change in await self._note_gone(station):
            await self._tell(self.presence, change)

    async def _note_gone(self, station: str) -> list[PresenceChange]:
        """The Will of a connection that was taken over is dropped with it, so its end is noted here."""
        now = self._clock.wall()
        changes = []
        async with self._registry.begin() as t:
            for before in await t.reports.all_presence(station):
                if before.state == "online":
                    gone = Connection(before.process, "offline", before.boot, before.bd)
                    await t.reports.set_presence(station, gone, now)
                    changes.append(PresenceChange(station, gone, before))
            if changes:
                await t.audit.add("region", "station.cut_off", "done", now, station_id=station)
        return changes

    async def _tell(self, listeners: Sequence[Callable[..., Awaitable[None]]], what: object) -> None:
        for listener in listeners:
            try:
                await listener(what)
            except Exception:  # noqa: BLE001 - whoever does not let go must not keep the station connected
                _log.exception("a part of the region did not let go of a station that is shut out")


async def shut_out_of(t: Transaction, now: float) -> frozenset[str]:
    """Whom the broker is to shut out by name: who is revoked or in quarantine, or was removed a while ago."""
    return frozenset(station.id for station in await t.stations.shut_out()) | await t.removals.shut_out(now)


def _public_key(given: Given) -> bytes:
    public = x509.load_der_x509_certificate(given.der).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
