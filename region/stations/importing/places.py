"""Tables of places and clinics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from region.registry import Refused, Transaction
from region.registry.actions import AuditAction
from region.registry.changes import of_clinic, of_field
from region.registry.places import telephone
from region.registry.records import Clinic, Room, Site
from region.stations.importing.cells import Known, checked, name_of
from region.stations.importing.taking import Once, Taking
from region.stations.tables import Row


async def take_clusters(taking: Taking, rows: Sequence[Row]) -> None:
    """Clusters: new ones are added."""
    known, once = Known("cluster", "clusters", await taking.t.clusters.all()), Once()

    def judge(row: Row) -> str:
        name = known.called("name", row.cells["name"])
        once.note(row, "name", name)
        return name

    new = [name for _, name in taking.each(rows, judge) if known.find(name) is None]
    await taking.t.bulk.add("cluster", [{"name": name} for name in new], taking.now)
    for name in new:
        await taking.tell("cluster.add", name=name)
    taking.count(added=new, of=len(rows))


async def take_municipalities(taking: Taking, rows: Sequence[Row]) -> None:
    """Municipalities: added, or moved to the cluster that is said."""
    clusters = [_Place(one.id, one.name) for one in await taking.t.clusters.all()]
    await _take_standing(
        taking, rows, _MUNICIPALITY, Known("municipality", "municipalities", await _municipalities(taking.t)),
        Known("cluster", "clusters", clusters),
    )  # fmt: skip


async def take_sites(taking: Taking, rows: Sequence[Row]) -> None:
    """Sites: added, or moved to the municipality that is said."""
    sites = [_Place(one.id, one.name, one.municipality_id, one.municipality) for one in await taking.t.sites.all()]
    above = Known("municipality", "municipalities", await _municipalities(taking.t))
    await _take_standing(taking, rows, _SITE, Known("site", "sites", sites), above)


async def take_rooms(taking: Taking, rows: Sequence[Row]) -> None:
    """Rooms: new ones are added."""
    sites = Known("site", "sites", await taking.t.sites.all())
    rooms, once = await rooms_by_site(taking.t), Once()

    def judge(row: Row) -> tuple[Site, str]:
        site = sites.named("site", row.cells["site"])
        name = room_called(rooms, site, row.cells["room"])
        once.note(row, "room", (site.id, name))
        return site, name

    judged = [wanted for _, wanted in taking.each(rows, judge)]
    new = [(site, name) for site, name in judged if site.id not in rooms or rooms[site.id].find(name) is None]
    await taking.t.bulk.add("room", [{"site_id": site.id, "name": name} for site, name in new], taking.now)
    for site, name in new:
        await taking.tell("room.add", site=site.name, room=name)
    taking.count(added=new, of=len(rows))


async def take_clinics(taking: Taking, rows: Sequence[Row]) -> None:
    """Clinics: added, or given the number that is said."""
    known, once = Known("clinic", "clinics", await taking.t.clinics.all()), Once()

    def judge(row: Row) -> tuple[str, str | None]:
        name = known.called("name", row.cells["name"])
        once.note(row, "name", name)
        phone = checked("phone", lambda: telephone(row.cells["phone"])) if "phone" in row.cells else None
        return name, phone

    new: dict[str, str] = {}
    changed: dict[str, tuple[Clinic, Clinic]] = {}
    for _, (name, phone) in taking.each(rows, judge):
        before = known.find(name)
        if before is None:
            new[name] = phone or ""
        elif phone is not None and phone != before.phone:
            changed[name] = before, replace(before, phone=phone)
    await taking.t.bulk.add("clinic", [{"name": name, "phone": phone} for name, phone in new.items()], taking.now)
    await taking.t.clinics.set_phones({name: after.phone for name, (_, after) in changed.items()})
    for name in new:
        await taking.tell("clinic.add", clinic=name)
    for name, (was, now) in changed.items():
        await taking.tell("clinic.change", of_clinic(was, now), clinic=name)
    taking.count(added=[*new], changed=[*changed], of=len(rows))


async def rooms_by_site(t: Transaction) -> dict[int, Known[Room]]:
    """The rooms of each site that has any, by the site's number."""
    rooms = sorted(await t.rooms.all(), key=lambda one: one.site_id)
    return {site: Known("room", "rooms", there) for site, there in groupby(rooms, key=lambda one: one.site_id)}


def room_called(rooms: Mapping[int, Known[Room]], site: Site, name: str) -> str:
    """The name of the site's room that is meant, or a new one as it is to be stored."""
    return rooms[site.id].called("room", name) if site.id in rooms else name_of("room", name)


@dataclass(frozen=True)
class _Place:
    """A place, and what it stands in; `above_id` None: in nothing."""

    id: int
    name: str
    above_id: int | None = None
    above: str = ""


@dataclass(frozen=True)
class _Level:
    """A kind of place that stands in another one, which the column `above` names; `told`: what the audit calls it."""

    kind: Literal["municipality", "site"]
    above: Literal["cluster", "municipality"]
    told: str
    add: AuditAction
    move: AuditAction


_MUNICIPALITY = _Level("municipality", "cluster", "name", "municipality.add", "municipality.move")
_SITE = _Level("site", "municipality", "site", "site.add", "site.move")


@dataclass(frozen=True)
class _Wanted:
    """A place as the table has it; `before` None: it is not there yet."""

    row: Row
    name: str
    before: _Place | None
    above: _Place | None

    @property
    def above_id(self) -> int | None:
        return None if self.above is None else self.above.id


async def _take_standing(
    taking: Taking, rows: Sequence[Row], level: _Level, known: Known[_Place], above: Known[_Place]
) -> None:
    once = Once()

    def judge(row: Row) -> _Wanted:
        name = known.called("name", row.cells["name"])
        once.note(row, "name", name)
        return _Wanted(row, name, known.find(name), above.perhaps(level.above, row.cells.get(level.above, "")))

    judged = [wanted for _, wanted in taking.each(rows, judge)]
    new = [one for one in judged if one.before is None]
    moved = [
        (one.before, one) for one in judged
        if level.above in one.row.cells and one.before is not None and one.before.above_id != one.above_id
    ]  # fmt: skip
    added = [{"name": one.name, f"{level.above}_id": one.above_id} for one in new]
    await taking.t.bulk.add(level.kind, added, taking.now)
    await _move(taking, level, {before.id: one for before, one in moved})
    for one in new:
        await taking.tell(level.add, **{level.told: one.name})
    for before, one in moved:
        to = "" if one.above is None else one.above.name
        await taking.tell(level.move, of_field(level.above, before.above, to), **{level.told: one.name})
    taking.count(added=new, changed=moved, of=len(rows))


async def _move(taking: Taking, level: _Level, to: Mapping[int, _Wanted]) -> None:
    """Have each stand elsewhere; BadTable where the settings that its stations then inherit do not go together."""
    t, numbers = taking.t, {number: one.above_id for number, one in to.items()}
    try:
        await (t.sites if level.kind == "site" else t.municipalities).move_each(numbers)
    except Refused as error:
        sites = {one.id: one.id if level.kind == "site" else one.municipality_id for one in await t.sites.all()}
        places = {one.id: sites[one.site_id] for one in await t.stations.all()}
        rows = {station: to[place].row for station, place in places.items() if place is not None and place in to}
        raise taking.refused(error, rows) from error


async def _municipalities(t: Transaction) -> list[_Place]:
    return [_Place(one.id, one.name, one.cluster_id, one.cluster) for one in await t.municipalities.all()]
