"""The JSON API of places, and of what stations work by in layers; for IT's scripts. Described at /api/openapi.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request

from provisioning.authority.profiles import Change, Level, Path, hidden
from region.registry import Invalid
from region.registry.records import Cluster, Municipality, Station, Touched
from region.stations.layout import LayoutService
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.fields import Body, StationId

Name = Annotated[str, Field(max_length=80)]
Place = Annotated[str, Query(max_length=80, description="its name (a station's id); of the region: nothing")]
AtLevel = Annotated[Level, Field(examples=["region"])]
Dotted = Annotated[str, Field(max_length=160)]  # night.on
Said = Annotated[dict[str, Any], Field(max_length=64)]  # as messaging.twin.Config; more is refused by name


class NewCluster(Body):
    """A cluster to make."""

    name: Name


class NewMunicipality(Body):
    """A municipality to make, in a cluster or in none."""

    name: Name
    cluster: Name = ""


class MovedMunicipality(Body):
    """Which municipality is to belong to which cluster; an empty one: to none."""

    name: Name
    cluster: Name


class MovedSite(Body):
    """Which site is to belong to which municipality; an empty one: to none."""

    name: Name
    municipality: Name


class MovedStation(Body):
    """The room a station is to stand in; `site` where it is another one."""

    room: Name
    site: Name | None = None


class WholeProfile(Body):
    """All that a place is to say. `after`: only if it still stands at that version."""

    place: Name = ""
    document: Said
    after: Annotated[int, Field(ge=0, le=2**53)] | None = None


class ProfileChange(Body):
    """Values to set, by dotted path, and paths to leave to the layers above."""

    place: Name = ""
    set: Annotated[dict[Dotted, Any], Field(max_length=64)] = Field(default_factory=dict, max_length=64)
    unset: list[Dotted] = Field(default_factory=list, max_length=64)


class ProfileCopy(Body):
    """Have the site `target` work as `source` does: in all fields, `only` these, or all `but` these."""

    source: Name
    target: Name
    only: list[Dotted] = Field(default_factory=list, max_length=64)
    but: list[Dotted] = Field(default_factory=list, max_length=64)
    dry_run: bool = False


@dataclass(frozen=True)
class Profile:
    """What a place says itself (`own`), what comes of all layers down to there, and where each value came from.

    Secrets read `(set)`. Version 0: it has never said anything.
    """

    level: Level
    place: str
    version: int
    own: dict[str, Any]
    merged: dict[str, Any]
    sources: dict[str, Level]


@dataclass(frozen=True)
class Stations:
    """The stations whose config has changed by it."""

    stations: tuple[str, ...]


@dataclass(frozen=True)
class ProfileSaid:
    """The version that the place's layer stands at now, and the stations whose config has changed by it."""

    version: int
    stations: tuple[str, ...]


@dataclass(frozen=True)
class ProfileDifference:
    """One value that differs, by its dotted path."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class ProfileCopied:
    """What is different at the target by it, and the stations whose config has changed; none where it was a dry run."""

    changes: tuple[ProfileDifference, ...]
    stations: tuple[str, ...]


def build_router(layout: LayoutService) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["places"])
    _add_places(router, layout)
    _add_profiles(router, layout)
    return router


def _add_places(router: APIRouter, layout: LayoutService) -> None:
    @router.get("/clusters")
    async def clusters(request: Request, _session: ItAdmin) -> list[Cluster]:
        """List the clusters."""
        async with region_of(request).registry.read() as t:
            return await t.clusters.all()

    @router.post("/clusters", status_code=201)
    async def add_cluster(session: ItAdmin, new: NewCluster) -> Cluster:
        """Add a cluster of municipalities."""
        return await layout.add_cluster(session.person.name, new.name)

    @router.get("/municipalities")
    async def municipalities(request: Request, _session: ItAdmin) -> list[Municipality]:
        """List the municipalities."""
        async with region_of(request).registry.read() as t:
            return await t.municipalities.all()

    @router.post("/municipalities", status_code=201)
    async def add_municipality(session: ItAdmin, new: NewMunicipality) -> Municipality:
        """Add a municipality."""
        return await layout.add_municipality(session.person.name, new.name, new.cluster)

    @router.post("/municipalities/move")
    async def move_municipality(session: ItAdmin, moved: MovedMunicipality) -> Stations:
        """Let a municipality belong to another cluster."""
        return Stations(await layout.move_municipality(session.person.name, moved.name, moved.cluster))

    @router.post("/sites/move")
    async def move_site(session: ItAdmin, moved: MovedSite) -> Stations:
        """Let a site belong to another municipality."""
        return Stations(await layout.move_site(session.person.name, moved.name, moved.municipality))

    @router.post("/stations/{station_id}/move")
    async def move_station(session: ItAdmin, station_id: StationId, moved: MovedStation) -> Station:
        """Stand a station in another room; what it says itself it goes on saying."""
        return await layout.move_station(session.person.name, station_id, moved.site, moved.room)


def _add_profiles(router: APIRouter, layout: LayoutService) -> None:
    @router.get("/profiles/{level}")
    async def profile(_session: ItAdmin, level: AtLevel, place: Place = "") -> Profile:
        """What stations there work by, and where each value comes from."""
        where = await layout.find(level, place)
        said, merged = await layout.said(where), await layout.merged(where)
        sources = {".".join(path): source for path, source in merged.sources.items()}
        return Profile(level, where.name, said.version, hidden(said.document), hidden(merged.document), sources)

    @router.put("/profiles/{level}")
    async def put_profile(session: ItAdmin, level: AtLevel, new: WholeProfile) -> ProfileSaid:
        """Have a place say this document and nothing else."""
        where = await layout.find(level, new.place)
        return _said(await layout.say_all(session.person.name, where, new.document, new.after))

    @router.patch("/profiles/{level}")
    async def change_profile(session: ItAdmin, level: AtLevel, change: ProfileChange) -> ProfileSaid:
        """Set values at a place, or leave them to the layers above."""
        values: list[tuple[Path, Any]] = [(_path(field), None) for field in change.unset]
        for field, value in change.set.items():
            if value is None:
                raise Invalid(f"{field}: to have the layers above say it, name it in unset")
            values.append((_path(field), value))
        return _said(await layout.say(session.person.name, await layout.find(level, change.place), values))

    @router.post("/profiles/copy")
    async def copy_profile(session: ItAdmin, asked: ProfileCopy) -> ProfileCopied:
        """Have one site work as another does; a dry run tells what would change, and changes nothing."""
        source, target = await layout.find("site", asked.source), await layout.find("site", asked.target)
        copying = await layout.compare(source, target, asked.only, asked.but)
        changes = tuple(map(_difference, copying.changes))
        if asked.dry_run or not changes:
            return ProfileCopied(changes, ())
        return ProfileCopied(changes, (await layout.copy(session.person.name, copying)).stations)


def _said(touched: Touched) -> ProfileSaid:
    return ProfileSaid(touched.layer.version, touched.stations)


def _difference(one: Change) -> ProfileDifference:
    return ProfileDifference(".".join(one.path), one.before, one.after)


def _path(field: str) -> Path:
    path = tuple(field.split("."))
    if not all(path):
        raise Invalid("a field is named as in night.on")
    return path
