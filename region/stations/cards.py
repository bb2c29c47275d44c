"""Cards by the dozen: stations made in one step, each with a code file of its own to copy, and a sheet to print.

All of it or nothing: the files are written beside their place first, and get it when the registry has taken everything
else. A power cut between the two leaves cards whose codes the region does not know, and no stations.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipInfo

from messaging.claim import RegionFile, write_region_file
from messaging.clock import Clock
from messaging.enrolment import CODE_FILE, CodeFile, write_code_file
from provisioning.authority.enrolment import CODE_LIVES_S, invite_with_code
from provisioning.authority.ports import Invitation
from region.addresses import Addresses
from region.reasons import say
from region.registry import Conflict, Invalid, NotFound, Registry, Transaction
from region.registry.bulk import Wanted
from region.registry.records import Site, Station
from region.registry.stations import new_station_id
from region.registry.table import text
from region.stations.standing import enrolled

SHEET = "sheet.html"
MOST_CARDS = 500
MOST_DAYS = 365
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Card:
    """One card: the `number`th of its batch, for the station in that room. `code_file` holds the secret."""

    number: int
    station: str
    room: str
    serial: str | None
    code_file: CodeFile

    @property
    def folder(self) -> str:
        """Where its file lies, below the batch's folder."""
        return f"{self.number:03d}-{self.station}"


@dataclass(frozen=True)
class Batch:
    """Cards made together; Unix seconds."""

    site: str
    clinic: str
    made: float
    expires: float
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Order:
    """What is asked for: so many rooms with numbers after `called`, or these `rooms`, or (`missing`) cards for the
    stations of the site that have no code in force and have never been there."""

    site: str
    clinic: str = ""
    count: int = 0
    called: str = "Room"
    rooms: tuple[str, ...] = ()
    missing: bool = False
    days: int = int(CODE_LIVES_S / _DAY_S)


@dataclass(frozen=True)
class _Plan:
    site: Site
    wanted: tuple[Wanted, ...]  # new stations
    cards: tuple[Card, ...]
    invitations: tuple[Invitation, ...]


def numbered(called: str, count: int, taken: Iterable[str]) -> tuple[str, ...]:
    """So many names after the highest number that there is: a second batch goes on where the first ended."""
    own = re.compile(rf"{re.escape(called)} ([0-9]{{1,6}})")
    numbers = [int(found[1]) for name in taken if (found := own.fullmatch(name))]
    first = max(numbers, default=0) + 1
    return tuple(f"{called} {number}" for number in range(first, first + count))


class CardService:
    """`actor` is whom the audit names: as `region.registry.actors` has it."""

    def __init__(self, registry: Registry, clock: Clock, root_sha256: str, addresses: Addresses) -> None:
        self._registry = registry
        self._clock = clock
        self.root_sha256 = root_sha256  # pinned by code files; another one after the root was changed
        self._addresses = addresses

    async def prepare(self, actor: str, order: Order, into: Path, draw: Callable[[Batch], str]) -> Batch:
        """Make stations, codes, files and the sheet (`draw`); Conflict where `into` is there already.

        RegistryError or OSError: nothing has been made.
        """
        _refuse_to_overwrite(into)
        plan, batch = await self._planned(order)
        part = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))  # 0700
        lies = part
        try:
            await asyncio.to_thread(_write, part, batch, draw(batch))
            async with self._registry.begin() as t:
                await self._keep(t, actor, plan, batch)
                lies = _put_in_place(part, into)
        except BaseException:
            shutil.rmtree(lies)  # renamed or not, the codes on these cards are nobody's
            raise
        return batch

    async def pack(self, actor: str, order: Order, draw: Callable[[Batch], str]) -> tuple[Batch, bytes]:
        """The same as one ZIP file, for somebody at a browser. RegistryError: nothing has been made."""
        plan, batch = await self._planned(order)
        packed = await asyncio.to_thread(_packed, batch, draw(batch))
        async with self._registry.begin() as t:
            await self._keep(t, actor, plan, batch)
        return batch, packed

    def region_file(self) -> str:
        """The file that is the same on every card, and lets stations ask to be claimed. It holds no secret."""
        return write_region_file(RegionFile(self._addresses.enrol_url, self.root_sha256, self._addresses.broker))

    async def _planned(self, order: Order) -> tuple[_Plan, Batch]:
        now = self._clock.wall()
        if not 1 <= order.days <= MOST_DAYS:
            raise Invalid(say("days", most=MOST_DAYS))
        async with self._registry.read() as t:
            plan = await self._plan(t, order, now)
        return plan, Batch(order.site, order.clinic, now, now + order.days * _DAY_S, plan.cards)

    async def _plan(self, t: Transaction, order: Order, now: float) -> _Plan:
        site = await t.sites.named(order.site)
        if order.clinic and await t.clinics.find(order.clinic) is None:
            raise NotFound(say("not_there", kind="clinic", name=order.clinic))
        standing = [one for one in await t.stations.all() if one.site_id == site.id]
        wanted = () if order.missing else _new_stations(order, site, standing, await _rooms(t, site))
        known = await _without_card(t, standing, now) if order.missing else ()
        for_whom = [(one.id, one.room, one.serial) for one in known]
        for_whom += [(one.id, one.room, one.serial) for one in wanted]
        if not for_whom:
            raise Invalid(say("all_have_cards", site=site.name))
        cards, invitations = [], []
        for number, (station, room, serial) in enumerate(for_whom, 1):
            code, invitation = invite_with_code(station, now + order.days * _DAY_S)
            file = CodeFile(self._addresses.enrol_url, self.root_sha256, code, station, self._addresses.broker)
            cards.append(Card(number, station, room, serial, file))
            invitations.append(invitation)
        return _Plan(site, wanted, tuple(cards), tuple(invitations))

    async def _keep(self, t: Transaction, actor: str, plan: _Plan, batch: Batch) -> None:
        await t.layers.alone()
        taken = await _rooms(t, plan.site)
        if twice := sorted({one.room for one in plan.wanted} & taken):
            raise Conflict(say("room_since", site=plan.site.name, room=twice[0]))
        if plan.wanted:
            await t.bulk.put(plan.wanted, actor, batch.made)
        for one in plan.wanted:
            await t.audit.add(
                actor, "station.add", "done", batch.made, station_id=one.id, name=one.name, site=batch.site,
                room=one.room,
            )  # fmt: skip
        for invitation in plan.invitations:
            await t.enrolments.put(invitation)
            await t.audit.add(actor, "code.make", "done", batch.made, station_id=invitation.station)
        await t.audit.add(
            actor, "card.prepare", "done", batch.made, site=batch.site, clinic=batch.clinic, cards=len(batch.cards)
        )


def _new_stations(order: Order, site: Site, standing: Sequence[Station], rooms: set[str]) -> tuple[Wanted, ...]:
    taken = rooms | {one.name for one in standing}
    names = order.rooms or numbered(text(order.called, "called", 60), order.count, taken)
    if not 1 <= len(names) <= MOST_CARDS:
        raise Invalid(say("cards_at_a_time", most=MOST_CARDS))
    names = tuple(text(name, "room", 80) for name in names)
    if len(set(names)) < len(names):
        raise Invalid(say("room_twice"))
    if twice := sorted(taken & set(names)):
        raise Conflict(say("room_there", site=site.name, room=twice[0]))
    own = {"clinic": order.clinic} if order.clinic else {}
    return tuple(Wanted(new_station_id(), True, name, None, site.id, name, own) for name in names)


async def _rooms(t: Transaction, site: Site) -> set[str]:
    return {one.name for one in await t.rooms.all(site.id)}


async def _without_card(t: Transaction, standing: Sequence[Station], now: float) -> tuple[Station, ...]:
    """Those that nobody has enrolled, and that have no code somebody could still use."""
    invitations = await t.enrolments.all()
    found = []
    for one in standing:
        seen = bool(await t.reports.all_presence(one.id))
        if one.admission == "admitted" and enrolled(invitations.get(one.id), seen, now) in ("no_code", "code_expired"):
            found.append(one)
    if len(found) > MOST_CARDS:
        raise Invalid(say("cards_lacking", count=len(found), most=MOST_CARDS))
    return tuple(found)


def _refuse_to_overwrite(into: Path) -> None:
    if into.exists():
        raise Conflict(f"{into} is there already: name another folder, nothing is overwritten")


def _put_in_place(part: Path, into: Path) -> Path:
    """Where the files lie now. OSError if something lies there: a folder that is not empty is never replaced."""
    part.rename(into)
    _synchronise(into.parent)
    return into


def _packed(batch: Batch, sheet: str) -> bytes:
    made = datetime.fromtimestamp(batch.made, UTC).timetuple()[:6]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for card in batch.cards:
            file.writestr(ZipInfo(f"{card.folder}/{CODE_FILE}", made), write_code_file(card.code_file))
        file.writestr(ZipInfo(SHEET, made), sheet)
    return packed.getvalue()


def _write(folder: Path, batch: Batch, sheet: str) -> None:
    for card in batch.cards:
        own = folder / card.folder
        own.mkdir(mode=0o700)
        _write_secret(own / CODE_FILE, write_code_file(card.code_file))
        _synchronise(own)
    _write_secret(folder / SHEET, sheet)
    _synchronise(folder)


def _write_secret(path: Path, content: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _synchronise(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
