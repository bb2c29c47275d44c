"""What happens to the fleet, act by act. Each waits for what it brought about, at both ends, and notes what it saw."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from messaging.clock import Clock
from messaging.enrolment import CODE_FILE
from region.demo.fleet.desk import FleetDesk, Refused
from region.demo.fleet.places import FleetPlaces
from region.demo.fleet.station import FleetStation
from region.registry import Registry

SITE, CLINIC, ROOM = "The demo home", "The demo clinic", "Room"
_LOOK_S = 0.25
_STAYS_OUT_S = 5.0  # a revoked station has tried again several times by then
_VOLUME, _COMMANDED = 61, 34  # percent: as the config has it, then as it is commanded
_MONTH_S = 30 * 86_400.0
_DONE = frozenset({"successful", "failed"})


@dataclass(frozen=True)
class Stage:
    """What the acts work with. `patience_s` is how long one may take in all; then what was seen is told as it is."""

    stations: Sequence[FleetStation]
    desk: FleetDesk
    registry: Registry
    places: FleetPlaces
    clock: Clock
    patience_s: float

    async def until(self, what: Callable[[], bool | Awaitable[bool]]) -> None:
        """Wait until that is so, or patience is at its end."""
        ends = self.clock.monotonic() + self.patience_s
        while self.clock.monotonic() < ends:
            found = what()
            if found if isinstance(found, bool) else await found:
                return
            await self.clock.sleep(_LOOK_S)

    async def fleet(self) -> dict[str, dict[str, Any]]:
        """How the region has each station, by its id."""
        found: list[dict[str, dict[str, Any]]] = await self.desk.get("/api/fleet")
        return {one["standing"]["station"]: one["standing"] for one in found}


async def make_cards(stage: Stage) -> None:
    """A code file for each station with a card; for the others the file that says only where the region is."""
    with_card = [one for one in stage.stations if one.record.door == "card"]
    where = ("--site", SITE, "--clinic", CLINIC, "--called", ROOM, "--into", str(stage.places.cards))
    made = await stage.desk.command("card", "prepare", "--count", str(len(with_card)), *where)
    await stage.desk.command("card", "region", "--out", str(stage.places.region_file))
    for one in stage.stations:
        shutil.copy(stage.places.region_file, one.places.region_file)
    for one, card in zip(with_card, made["cards"], strict=True):
        shutil.copy(stage.places.cards / card["folder"] / CODE_FILE, one.places.code_file)
        one.record.station, one.record.room = card["station"], card["room"]


async def enrol(stage: Stage) -> None:
    """Cards come in by themselves; whoever shows digits on the screen is let in by somebody who compares them."""
    clinic = next(one["id"] for one in await stage.desk.get("/api/clinics") if one["name"] == CLINIC)
    site = next(one["id"] for one in await stage.desk.get("/api/sites") if one["name"] == SITE)

    async def all_in() -> bool:
        for one in stage.stations:
            if not one.id and one.view is not None and one.view.claim is not None:
                room = f"{ROOM} {one.record.number}"
                link = urlsplit(one.view.claim.link)  # what somebody scans; the digits are read off the screen
                key, check = link.path.rpartition("/")[2], one.view.claim.check
                if parse_qs(link.query).get("check") == [check]:
                    asked = {"check": check, "site_id": site, "room": room, "clinic_id": clinic}
                    approved = await stage.desk.post(f"/api/claims/{key}/approve", asked)
                    one.record.station, one.record.room = approved["id"], room
        return all(one.is_up and one.view is not None and one.view.station == one.id for one in stage.stations)

    await stage.until(all_in)

    async def all_noted() -> bool:
        for one in stage.stations:
            if one.id and not one.record.enrolled:
                rows = await stage.desk.get(f"/api/audit?station={one.id}")
                actions = {row["action"] for row in rows}
                door = "code.make" if one.record.door == "card" else "claim.approve"
                one.record.enrolled = {door, "enrolled"} <= actions and not one.places.code_file.exists()
        return all(one.record.enrolled for one in stage.stations)

    await stage.until(all_noted)
    for one in stage.stations:
        one.record.certificate = one.serial()
        one.record.certificate_known = await _is_known(stage, one, one.record.certificate)


async def configure(stage: Stage) -> None:
    """IT sets something for the whole region; each station takes it, works by it and says so."""
    await stage.desk.command("profile", "set", "--region", f"volume={_VOLUME}", "language=en")

    async def all_taken() -> bool:
        fleet = await stage.fleet()
        for one in stage.stations:
            standing, view = fleet.get(one.id), one.view
            if standing is not None:
                one.record.wanted, one.record.reported = standing["desired_version"], standing["version_in_force"]
            one.record.applied = (
                view is not None and view.config_version == one.record.wanted
                and view.config.volume == _VOLUME and view.config.language == "en"
                and standing is not None and not (standing["reported"] or {}).get("refused")
            )  # fmt: skip
        return all(one.record.applied and one.record.reported == one.record.wanted > 0 for one in stage.stations)

    await stage.until(all_taken)


async def command(stage: Stage) -> None:
    """IT commands something of all; each does it and tells so."""
    reached = await _commanded(stage, "volume", {"percent": _COMMANDED})
    for one in stage.stations:
        one.record.command = reached.get(one.id, "")
        one.record.done = one.view is not None and one.view.config.volume == _COMMANDED


async def renew(stage: Stage) -> None:
    """Each is told to renew its certificate now, and comes back with the new one.

    A certificate that is younger than a quarter of its life is given again instead: these are made older first.
    """
    await asyncio.to_thread(_let_a_month_pass, stage.registry.file)
    reached = await _commanded(stage, "renew", {})
    await stage.until(lambda: all(one.is_up for one in stage.stations))
    for one in stage.stations:
        one.record.renewal, one.record.renewed = reached.get(one.id, ""), one.serial()
        one.record.renewed_known = await _is_known(stage, one, one.record.renewed)


async def revoke(stage: Stage) -> None:
    """One is stolen: IT revokes it, it loses its link, and does not get it back. All others keep theirs."""
    stolen = stage.stations[-1]
    stolen.record.revoked = True
    if stolen.id:
        await stage.desk.post(f"/api/stations/{stolen.id}/revoke", {"why": "stolen"})
        began = stage.clock.monotonic()
        await stage.until(lambda: not stolen.is_up)
        stolen.record.cut_off_s = None if stolen.is_up else stage.clock.monotonic() - began
        stolen.record.refused = await _is_refused(stage, stolen)
        await _watch(stage, stolen)
    fleet = await stage.fleet()
    for one in stage.stations:
        known = one is stolen or fleet.get(one.id, {}).get("agent_online", False)
        one.record.up = one.record.up or (one.is_up and known)


def _let_a_month_pass(registry: Path) -> None:
    """For the certificates, in the fleet's own registry: the one thing here that is not as it would be elsewhere."""
    with closing(sqlite3.connect(registry, timeout=30.0)) as database, database:
        database.execute("UPDATE certificate SET issued_at = issued_at - ?", (_MONTH_S,))


async def _watch(stage: Stage, stolen: FleetStation) -> None:
    """Whether it comes back, in the seconds in which it tries hardest."""
    ends = stage.clock.monotonic() + _STAYS_OUT_S
    while stage.clock.monotonic() < ends and not stolen.record.up:
        stolen.record.up = stolen.is_up
        await stage.clock.sleep(_LOOK_S)


async def _is_refused(stage: Stage, stolen: FleetStation) -> bool:
    asked = {"type": "volume", "fields": {"percent": _VOLUME}, "stations": [stolen.id]}
    try:
        await stage.desk.post("/api/commands", asked)
    except Refused as refused:
        return refused.status == 409
    return False


async def _commanded(stage: Stage, kind: str, fields: dict[str, int]) -> dict[str, str]:
    """Command it of all that the registry finds; how far it came, with the reason, by station."""
    handed = await stage.desk.post("/api/commands", {"type": kind, "fields": fields, "where": []})
    reached: dict[str, str] = {}

    async def all_ended() -> bool:
        given = await stage.desk.get(f"/api/commands?batch={handed['batch']}&most={len(stage.stations)}")
        for one in given:
            reached[one["station_id"]] = " ".join(filter(None, (one["state"], one["reason"])))
        return all(one["state"] in _DONE for one in given)

    await stage.until(all_ended)
    return reached


async def _is_known(stage: Stage, one: FleetStation, serial: str) -> bool:
    if not one.id or not serial:
        return False
    async with stage.registry.read() as t:
        return any(given.serial == serial for given in await t.certificates.of_station(one.id))
