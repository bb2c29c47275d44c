"""A table of the registry taken in: all of it or nothing, each fault by line and column. Every change is audited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

from messaging.clock import Clock
from messaging.twin import Language
from provisioning.authority.profiles import Document, put, without
from region.registry import Registry, RegistryError, Transaction
from region.registry.bulk import Wanted
from region.registry.records import Clinic, Role, Site, Station
from region.registry.stations import new_station_id, serial_number
from region.registry.table import text
from region.stations.service import tell_change
from region.stations.tables import BadTable, Columns, Fault, Row, read_table

Kind = Literal["clusters", "municipalities", "sites", "rooms", "clinics", "stations", "people"]
KINDS: tuple[Kind, ...] = get_args(Kind)  # in the order in which they may refer to each other
BAR = "|"  # between the sites of one person
NOBODY = "(none)"  # a station that calls nobody, whatever the layers above say
COLUMNS: dict[Kind, Columns] = {
    "clusters": Columns(("name",)),
    "municipalities": Columns(("name",), ("cluster",)),
    "sites": Columns(("name",), ("municipality",)),
    "rooms": Columns(("site", "room")),
    "clinics": Columns(("name",), ("phone",)),
    "stations": Columns(("site", "room"), ("name", "serial", "clinic", "language", "volume", "id")),
    "people": Columns(("name", "role"), ("clinic", "display_name", "title", "language", "sites")),
}
_LANGUAGES = ("da", "en")


@dataclass
class Taken:
    """What came of a table: how many were added, changed, and as they were."""

    kind: Kind
    added: int = 0
    changed: int = 0
    same: int = 0
    dry_run: bool = False


class _Rehearsed(Exception):
    """Ends the transaction of a dry run."""


class _Wrong(Exception):
    """One cell that cannot be."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column


async def take_table(
    registry: Registry, clock: Clock, actor: str, kind: Kind, content: bytes, *, dry_run: bool = False
) -> Taken:
    """Take in a table; BadTable, with nothing changed, where anything is wrong. `dry_run` undoes all of it."""
    rows = read_table(content, COLUMNS[kind])
    importer = _Import(actor, clock.wall(), Taken(kind, dry_run=dry_run))
    try:
        async with registry.begin() as t:
            await t.layers.alone()
            await importer.take(t, rows)
            if importer.faults:
                raise BadTable(importer.faults)
            taken = importer.taken
            if taken.added or taken.changed:
                await t.audit.add(
                    actor, "import", "done", clock.wall(), kind=kind, added=taken.added, changed=taken.changed
                )
            if dry_run:
                raise _Rehearsed
    except _Rehearsed:
        pass
    return importer.taken


@dataclass
class _Import:
    actor: str
    now: float
    taken: Taken
    faults: list[Fault] = field(default_factory=list)

    async def take(self, t: Transaction, rows: list[Row]) -> None:
        if self.taken.kind == "stations":
            await _Stations(self, t).take(rows)
            return
        act = self._acts()[self.taken.kind]
        seen: dict[tuple[str, ...], int] = {}
        for row in rows:
            key = tuple(row.cells[one] for one in COLUMNS[self.taken.kind].needed if one != "role")
            if (first := seen.setdefault(key, row.line)) != row.line:
                self.faults.append(Fault(row.line, "name" if "name" in row.cells else "room", f"as in line {first}"))
                continue
            await self.guard(row, "name" if "name" in row.cells else "room", act(t, row.cells))

    async def guard(self, row: Row, column: str, act: Awaitable[bool | None]) -> None:
        """Carry out one row: True added, False changed, None as it was."""
        try:
            done = await act
        except _Wrong as wrong:
            self.faults.append(Fault(row.line, wrong.column, str(wrong)))
        except RegistryError as error:
            self.faults.append(Fault(row.line, column, str(error)))
        else:
            self.count(done)

    def count(self, done: bool | None) -> None:
        """Added, changed, or as it was."""
        self.taken.added += done is True
        self.taken.changed += done is False
        self.taken.same += done is None

    def _acts(self) -> dict[Kind, Callable[[Transaction, Mapping[str, str]], Awaitable[bool | None]]]:
        return {
            "clusters": self._cluster, "municipalities": self._municipality, "sites": self._site, "rooms": self._room,
            "clinics": self._clinic, "people": self._person,
        }  # fmt: skip

    async def _cluster(self, t: Transaction, cells: Mapping[str, str]) -> bool | None:
        if await t.clusters.find(cells["name"]) is not None:
            return None
        made = await t.clusters.add(cells["name"], self.now)
        await t.audit.add(self.actor, "cluster.add", "done", self.now, name=made.name)
        return True

    async def _municipality(self, t: Transaction, cells: Mapping[str, str]) -> bool | None:
        cluster = await t.clusters.find(cells["cluster"]) if cells.get("cluster") else None
        if cells.get("cluster") and cluster is None:
            raise _Wrong("cluster", "no such cluster")
        number = None if cluster is None else cluster.id
        known = await t.municipalities.find(cells["name"])
        if known is None:
            made = await t.municipalities.add(cells["name"], number, self.now)
            await t.audit.add(self.actor, "municipality.add", "done", self.now, name=made.name)
            return True
        if "cluster" not in cells or known.cluster_id == number:
            return None
        await t.municipalities.move(known.id, number)
        await t.audit.add(
            self.actor, "municipality.move", "done", self.now, name=known.name, before=known.cluster,
            cluster=cells["cluster"],
        )  # fmt: skip
        return False

    async def _site(self, t: Transaction, cells: Mapping[str, str]) -> bool | None:
        place = await t.municipalities.find(cells["municipality"]) if cells.get("municipality") else None
        if cells.get("municipality") and place is None:
            raise _Wrong("municipality", "no such municipality")
        number = None if place is None else place.id
        known = await t.sites.find(cells["name"])
        if known is None:
            made = await t.sites.add(cells["name"], self.now, number)
            await t.audit.add(self.actor, "site.add", "done", self.now, site=made.name)
            return True
        if "municipality" not in cells or known.municipality_id == number:
            return None
        await t.sites.move(known.id, number)
        await t.audit.add(
            self.actor, "site.move", "done", self.now, site=known.name, before=known.municipality,
            municipality=cells["municipality"],
        )  # fmt: skip
        return False

    async def _room(self, t: Transaction, cells: Mapping[str, str]) -> bool | None:
        site = await t.sites.find(cells["site"])
        if site is None:
            raise _Wrong("site", "no such site")
        if await t.rooms.find(site.id, cells["room"]) is not None:
            return None
        made = await t.rooms.add(site.id, cells["room"], self.now)
        await t.audit.add(self.actor, "room.add", "done", self.now, site=site.name, room=made.name)
        return True

    async def _clinic(self, t: Transaction, cells: Mapping[str, str]) -> bool | None:
        known = await t.clinics.find(cells["name"])
        if known is None:
            made = await t.clinics.add(cells["name"], cells.get("phone", ""), self.now)
            await t.audit.add(self.actor, "clinic.add", "done", self.now, clinic=made.name)
            return True
        after = await t.clinics.change(known.id, known.name, cells.get("phone", known.phone))
        if after == known:
            return None
        await t.audit.add(self.actor, "clinic.change", "done", self.now, clinic=after.name, phone=after.phone)
        return False

    async def _person(self, t: Transaction, cells: Mapping[str, str]) -> bool | None:
        if cells["role"] not in get_args(Role):
            raise _Wrong("role", f"expected one of {', '.join(get_args(Role))}")
        clinic = await t.clinics.find(cells["clinic"]) if cells.get("clinic") else None
        if cells.get("clinic") and clinic is None:
            raise _Wrong("clinic", "no such clinic")
        role, language = cast("Role", cells["role"]), _language(cells.get("language", ""))
        if role == "clinician" and clinic is None:
            raise _Wrong("clinic", "a clinician belongs to one")
        number = None if clinic is None else clinic.id
        sites = await self._bound_to(t, cells["sites"]) if "sites" in cells else None
        if role == "site_staff" and not sites and sites is not None:
            raise _Wrong("sites", "a site's staff belong to one or more")
        known = await t.people.find(cells["name"])
        shown, title = cells.get("display_name", ""), cells.get("title", "")
        if known is None:
            made = await t.people.add(
                cells["name"],
                role,
                self.now,
                clinic_id=number,
                display_name=shown,
                title=title,
                language=language,
                sites=sites or (),
            )
            await t.audit.add(self.actor, "user.add", "done", self.now, person=made.name, role=role)
            return True
        after = await t.people.change(
            known.id, role=role, clinic_id=number if "clinic" in cells else known.clinic_id,
            display_name=shown or known.display_name, title=title if "title" in cells else known.title,
            language=language if "language" in cells else known.language, sites=sites,
        )  # fmt: skip
        if after == known:
            return None
        await t.audit.add(self.actor, "person.change", "done", self.now, person=known.name, role=role)
        return False

    async def _bound_to(self, t: Transaction, names: str) -> tuple[int, ...]:
        """The sites of a person: their names, with a bar between them."""
        found = []
        for name in filter(None, (one.strip() for one in names.split(BAR))):
            site = await t.sites.find(name)
            if site is None:
                raise _Wrong("sites", "no such site")
            found.append(site.id)
        return tuple(found)


class _Stations:
    """Stations by the thousand: looked at against what is known, then put all at once."""

    def __init__(self, whole: _Import, t: Transaction) -> None:
        self._whole = whole
        self._t = t
        self._lines: dict[str, int] = {}  # of each station of the table
        self._serials: dict[str, int] = {}

    async def take(self, rows: list[Row]) -> None:
        """Every row, or faults."""
        t = self._t
        self._sites: dict[str, Site] = {one.name: one for one in await t.sites.all()}
        self._clinics: dict[str, Clinic] = {one.name: one for one in await t.clinics.all()}
        stations = await t.stations.all()
        self._known: dict[str, Station] = {one.id: one for one in stations}
        self._by_serial = {one.serial: one for one in stations if one.serial}
        self._by_place: dict[tuple[int, str, str], Station] = {(s.site_id, s.room, s.name): s for s in stations}
        self._own: dict[str, Document] = await t.layers.of_stations()
        wanted: list[Wanted] = []
        for row in rows:
            try:
                wanted.append(self._wanted(row))
            except _Wrong as wrong:
                self._whole.faults.append(Fault(row.line, wrong.column, str(wrong)))
        self._look_at_serials(wanted)
        if not self._whole.faults:
            await self._put([one for one in wanted if not self._is_as_it_was(one)], len(wanted))

    def _wanted(self, row: Row) -> Wanted:
        cells = row.cells
        site = self._sites.get(cells["site"])
        if site is None:
            raise _Wrong("site", "no such site: import the sites first")
        room = _checked("room", lambda: text(cells["room"], "room", 80))
        known = self._find(cells, site, room)
        name = cells.get("name") or (known.name if known and "name" not in cells else room)
        serial = _checked("serial", lambda: serial_number(cells.get("serial")))
        if "serial" not in cells and known is not None:
            serial = known.serial
        self._note_serial(row, serial)
        station = known.id if known is not None else new_station_id()
        if (first := self._lines.setdefault(station, row.line)) != row.line:
            raise _Wrong("id" if cells.get("id") else "room", f"the station of line {first}")
        own = self._said(cells, self._own.get(station, {}))
        return Wanted(
            station, known is None, _checked("name", lambda: text(name, "name", 80)), serial, site.id, room, own
        )

    def _find(self, cells: Mapping[str, str], site: Site, room: str) -> Station | None:
        if cells.get("id"):
            if cells["id"] not in self._known:
                raise _Wrong("id", "no such station; leave it empty for a new one")
            return self._known[cells["id"]]
        serial = _checked("serial", lambda: serial_number(cells.get("serial")))
        if serial in self._by_serial:
            return self._by_serial[serial]
        found = self._by_place.get((site.id, room, cells.get("name") or room))
        return None if found is not None and serial and found.serial else found

    def _said(self, cells: Mapping[str, str], own: Document) -> Document:
        asked: dict[str, Any] = {}
        if "clinic" in cells:
            asked["clinic"] = self._clinic(cells["clinic"])
        if "language" in cells:
            asked["language"] = _language(cells["language"])
        if "volume" in cells:
            asked["volume"] = _volume(cells["volume"])
        for key, value in asked.items():
            own = without(own, (key,)) if value is None else put(own, (key,), value)
        return own

    def _clinic(self, name: str) -> str | None:
        if name in ("", NOBODY):
            return None if not name else ""
        if name not in self._clinics:
            raise _Wrong("clinic", f"no such clinic: import the clinics first, or {NOBODY} for none")
        return name

    def _note_serial(self, row: Row, serial: str | None) -> None:
        if serial and (first := self._serials.setdefault(serial, row.line)) != row.line:
            raise _Wrong("serial", f"as in line {first}")

    def _look_at_serials(self, wanted: list[Wanted]) -> None:
        """A serial number of a station that is not in the table is taken."""
        for one in wanted:
            holder = self._by_serial.get(one.serial or "")
            if holder is not None and holder.id != one.id and holder.id not in self._lines:
                self._whole.faults.append(Fault(self._lines[one.id], "serial", f"is {holder.id}'s already"))

    def _is_as_it_was(self, one: Wanted) -> bool:
        known = self._known.get(one.id)
        return known is not None and (
            (known.name, known.serial, known.site_id, known.room) == (one.name, one.serial, one.site_id, one.room)
            and self._own.get(one.id, {}) == one.own
        )

    async def _put(self, wanted: list[Wanted], of: int) -> None:
        whole, t = self._whole, self._t
        if wanted:
            try:
                await t.bulk.put(wanted, whole.actor, whole.now)
            except RegistryError as error:
                whole.faults.append(Fault(1, "", str(error)))
                return
        after = {one.id: one for one in await t.stations.all()} if wanted else {}
        for one in wanted:
            station = after[one.id]
            if one.new:
                await t.audit.add(
                    whole.actor, "station.add", "done", whole.now, station_id=one.id, name=one.name,
                    site=station.site, room=station.room,
                )  # fmt: skip
            else:
                await tell_change(t, whole.actor, self._known[one.id], station, whole.now)
            whole.count(one.new)
        whole.taken = replace(whole.taken, same=of - len(wanted))


def _checked(column: str, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except RegistryError as error:
        raise _Wrong(column, str(error).partition(": ")[2] or str(error)) from error


def _language(value: str) -> Language | None:
    if value and value not in _LANGUAGES:
        raise _Wrong("language", f"expected one of {', '.join(_LANGUAGES)}")
    return cast("Language", value) if value else None


def _volume(value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 3 and int(value) <= 100):
        raise _Wrong("volume", "expected a whole number from 0 to 100")
    return int(value)
