"""The table of stations: found again by id, by the computer's serial number, or by where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioning.authority.profiles import Document, put, without
from region.reasons import say
from region.registry import Refused
from region.registry.bulk import Wanted
from region.registry.records import Clinic, Room, Site, Station
from region.registry.stations import new_station_id, serial_number
from region.stations.importing.cells import Known, Wrong, checked, folded, language, name_of, volume
from region.stations.importing.kinds import NOBODY
from region.stations.importing.places import room_called, rooms_by_site
from region.stations.importing.taking import Once, Taking
from region.stations.service import tell_change
from region.stations.tables import Row


async def take_stations(taking: Taking, rows: Sequence[Row]) -> None:
    """Stations: added with an id of their own, or changed in what the table says of them."""
    t = taking.t
    judge = _Judge(
        _There.of(await t.stations.all()), await t.layers.of_stations(), await rooms_by_site(t),
        Known("site", "sites", await t.sites.all()), Known("clinic", "clinics", await t.clinics.all()),
    )  # fmt: skip
    judged = taking.each(rows, judge.station)
    by_id = {one.id: row for row, one in judged}
    for row, one in judged:
        holder = judge.there.by_serial.get(one.serial or "")
        if holder is not None and holder.id != one.id and holder.id not in by_id:
            taking.fault(row, "serial", say("others_serial", station=holder.id))
    taking.check()
    wanted = [one for _, one in judged if not judge.is_as_it_was(one)]
    if wanted:
        try:
            await t.bulk.put(wanted, taking.actor, taking.now)
        except Refused as error:
            raise taking.refused(error, by_id) from error
    await _tell(taking, wanted, judge.there)
    new = [one for one in wanted if one.new]
    taking.count(added=new, changed=[one for one in wanted if not one.new], of=len(rows))


async def _tell(taking: Taking, wanted: Sequence[Wanted], before: _There) -> None:
    after = {one.id: one for one in await taking.t.stations.all()} if wanted else {}
    for one in wanted:
        station = after[one.id]
        if one.new:
            await taking.tell("station.add", station_id=one.id, name=one.name, site=station.site, room=station.room)
        else:
            await tell_change(taking.t, taking.actor, before.by_id[one.id], station, taking.now)


@dataclass(frozen=True)
class _There:
    """The stations that are there; a place is a site's number, a room and a name, `folded`."""

    by_id: Mapping[str, Station]
    by_serial: Mapping[str, Station]
    by_place: Mapping[tuple[int, str, str], Station]

    @classmethod
    def of(cls, stations: Sequence[Station]) -> _There:
        return cls(
            {one.id: one for one in stations}, {one.serial: one for one in stations if one.serial},
            {(one.site_id, folded(one.room), folded(one.name)): one for one in stations},
        )  # fmt: skip

    def find(self, cells: Mapping[str, str], serial: str | None, site: Site, room: str) -> Station | None:
        """The station that a row means; None: a new one. Wrong for an id that there is not."""
        if cells.get("id"):
            if cells["id"] not in self.by_id:
                raise Wrong("id", say("no_such_id"))
            return self.by_id[cells["id"]]
        if serial is not None and serial in self.by_serial:
            return self.by_serial[serial]
        found = self.by_place.get((site.id, folded(room), folded(cells.get("name") or room)))
        return None if found is not None and serial and found.serial else found


class _Judge:
    """Judges row by row, against what is there and the rows before."""

    def __init__(
        self, there: _There, own: Mapping[str, Document], rooms: Mapping[int, Known[Room]], sites: Known[Site],
        clinics: Known[Clinic],
    ) -> None:  # fmt: skip
        self.there = there
        self._own = own
        self._rooms = rooms
        self._sites = sites
        self._clinics = clinics
        self._stations, self._serials = Once(), Once()

    def station(self, row: Row) -> Wanted:
        """What a row comes to."""
        cells = row.cells
        site = self._sites.named("site", cells["site"])
        room = room_called(self._rooms, site, cells["room"])
        serial = checked("serial", lambda: serial_number(cells.get("serial")))
        known = self.there.find(cells, serial, site, room)
        if "serial" not in cells and known is not None:
            serial = known.serial
        if serial:
            self._serials.note(row, "serial", serial)
        station = known.id if known is not None else new_station_id()
        self._stations.note(row, "id" if cells.get("id") else "room", station)
        name = _name(cells, known, room)
        return Wanted(station, known is None, name, serial, site.id, room, self._said(cells, station))

    def is_as_it_was(self, one: Wanted) -> bool:
        """Whether the table changes nothing of it."""
        known = self.there.by_id.get(one.id)
        return known is not None and (
            (known.name, known.serial, known.site_id, known.room) == (one.name, one.serial, one.site_id, one.room)
            and self._own.get(one.id, {}) == one.own
        )

    def _said(self, cells: Mapping[str, str], station: str) -> Document:
        asked: dict[str, Any] = {}
        if "clinic" in cells:
            asked["clinic"] = self._clinic(cells["clinic"])
        if "language" in cells:
            asked["language"] = language(cells["language"])
        if "volume" in cells:
            asked["volume"] = volume(cells["volume"])
        own = self._own.get(station, {})
        for key, value in asked.items():
            own = without(own, (key,)) if value is None else put(own, (key,), value)
        return own

    def _clinic(self, name: str) -> str | None:
        """A clinic's name; empty: it calls nobody; None: as the layers above say."""
        if name in ("", NOBODY):
            return None if not name else ""
        found = self._clinics.find(name)
        if found is None:
            raise Wrong("clinic", say("no_clinic", nobody=NOBODY))
        return found.name


def _name(cells: Mapping[str, str], known: Station | None, room: str) -> str:
    """A station's name: as in the table, else as it is, else that of its room."""
    said = cells.get("name", "" if known is None else known.name) or room
    return known.name if known is not None and folded(said) == folded(known.name) else name_of("name", said)
