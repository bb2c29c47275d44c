"""A region to try every route of, as everybody, from everywhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi.routing import APIRoute

from region.registry.records import Person, Role, Station
from region.web.site import every_route
from tests.kits.region.app import Kit, every_subject, region_kit

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
ROLES: tuple[Role, ...] = ("it_admin", "clinician", "site_staff", "evaluator")


@dataclass
class Stage:
    """A region with two of each place, and people of one of them."""

    kit: Kit
    people: dict[Role, Person]
    stations: tuple[Station, Station]  # ours, theirs
    call: str  # of their clinic

    def routes(self) -> Iterator[tuple[str, APIRoute]]:
        found = [(method, one) for one in every_route(self.kit.app.routes) for method in sorted(one.methods or ())]
        assert len(found) > 40, "the enumeration has lost its routes"
        yield from found

    def path(self, route: APIRoute) -> str:
        """With the ids of the others' things in it."""
        path = route.path.replace("{station_id}", self.stations[1].id).replace("{call}", self.call)
        return re.sub(r"\{[^}]+\}", "1", path)


@asynccontextmanager
async def two_of_each(data: Path) -> AsyncIterator[Stage]:
    """Two clinics, and two sites with a station each; somebody of each role, of the first of them."""
    async with region_kit(data, every_subject(data)) as kit:
        now = kit.clock.wall()
        async with kit.region.registry.begin() as t:
            clinics = [await t.clinics.add(name, "", now) for name in ("Bakkens Klinik", "Dalens Klinik")]
            sites = [await t.sites.add(name, now) for name in ("Solgården", "Månelyst")]
            stations = [
                await t.stations.add(f"Room at {site.name}", site.id, clinic.id, now)
                for site, clinic in zip(sites, clinics, strict=True)
            ]
            await t.calls.add("c0ffee00c0ffee00", stations[1].id, clinics[1].id, "resident", "waiting", now, boot="b1")
        people: dict[Role, Person] = {
            "it_admin": await kit.person("ivan", "it_admin"),
            "clinician": await kit.person("anna", "clinician", clinics[0]),
            "site_staff": await kit.person("sara", "site_staff", sites=[sites[0].id]),
            "evaluator": await kit.person("eva", "evaluator", sites=[sites[0].id]),
        }
        yield Stage(kit, people, (stations[0], stations[1]), "c0ffee00c0ffee00")


async def told(kit: Kit) -> int:
    """How many things have been done, sign-ins aside."""
    async with kit.region.registry.read() as t:
        return len([row for row in await t.audit.recent(10_000) if not row.action.startswith("sign_in")])
