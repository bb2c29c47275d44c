"""The pages of what each level says: looked at, changed, and copied from one site to another; for IT."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from provisioning.authority.profiles import Level, Merged, leaves
from provisioning.authority.setting_fields import AS_ABOVE, NONE, Setting, rewritten, settings
from region.registry import Conflict, Invalid, NotFound, Refused, Transaction
from region.registry.records import WebSession
from region.stations.layout import LayoutService, Where
from region.web.actors import ActorTeller
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.forms import told
from region.web.settings_told import SettingTeller

Name = Annotated[str, Form(max_length=80)]
REGION = "all"  # the region's place, in an address
_VERSION = "version"
_CLINICS = ("clinic", "fallback")


@dataclass(frozen=True)
class Line:
    """A setting in the form: what this level says (`own`, as written), what it would be without, and who says that.

    `choices` are pairs of value and words.
    """

    setting: Setting
    own: str
    inherited: str
    source: str
    wrong: str
    choices: tuple[tuple[str, str], ...]


def build_router(layout: LayoutService) -> APIRouter:
    """The pages; what they do is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/profiles")
    async def show_places(request: Request, session: ItAdmin) -> Response:
        return await _places(request, session)

    @router.post("/clusters")
    async def add_cluster(request: Request, session: ItAdmin, name: Name) -> Response:
        return await _done(request, session, layout.add_cluster(session.person.name, name))

    @router.post("/municipalities")
    async def add_municipality(request: Request, session: ItAdmin, name: Name) -> Response:
        return await _done(request, session, layout.add_municipality(session.person.name, name))

    @router.post("/municipalities/move")
    async def move_municipality(request: Request, session: ItAdmin, name: Name, cluster: Name = "") -> Response:
        return await _done(request, session, layout.move_municipality(session.person.name, name, cluster))

    @router.post("/sites/move")
    async def move_site(request: Request, session: ItAdmin, name: Name, municipality: Name = "") -> Response:
        return await _done(request, session, layout.move_site(session.person.name, name, municipality))

    @router.get("/profiles/{level}/{place}")
    async def show_profile(
        request: Request, session: ItAdmin, level: Level, place: str, saved: int | None = None
    ) -> Response:
        return await _profile(request, session, level, place, saved=saved)

    @router.post("/profiles/{level}/{place}")
    async def change_profile(
        request: Request, session: ItAdmin, level: Level, place: str, version: Annotated[int, Form()]
    ) -> Response:
        form = await request.form()
        texts = {key: value for key, value in form.items() if isinstance(value, str) and key not in ("csrf", _VERSION)}
        async with region_of(request).registry.read() as t:
            where = await place_of(t, level, place)
            before = (await t.layers.get(level, where.place)).document
        document, wrong = rewritten(before, level, texts)
        try:
            if wrong:
                raise Refused(wrong)
            touched = await layout.say_all(session.person.name, where, document, version)
        except Refused as error:
            return await _profile(request, session, level, place, texts=texts, wrong=error.fields)
        except Conflict as error:
            return await _profile(request, session, level, place, texts=texts, conflict=told(request, session, error))
        return RedirectResponse(f"/profiles/{level}/{place}?saved={len(touched.stations)}", 303)

    return router


async def place_of(t: Transaction, level: Level, place: str) -> Where:
    """The place of that number (a station's id, REGION) with its name; NotFound."""
    match level:
        case "region":
            names = {REGION: ""}
        case "cluster":
            names = {str(one.id): one.name for one in await t.clusters.all()}
        case "municipality":
            names = {str(one.id): one.name for one in await t.municipalities.all()}
        case "site":
            names = {str(one.id): one.name for one in await t.sites.all()}
        case "station":
            station = await t.stations.get(place)
            names = {place: f"{station.name}, {station.site}"}
    if place not in names:
        raise NotFound(f"no such {level}")
    return Where(level, "" if level == "region" else place, names[place])


async def _done(request: Request, session: WebSession, change: Awaitable[object]) -> Response:
    try:
        await change
    except Conflict:
        return await _places(request, session, "stations.profiles.error.conflict", 409)
    except Invalid as error:
        why = told(request, session, error)
        return await _places(request, session, "stations.profiles.error.refused", 422, why)
    return RedirectResponse("/profiles", 303)


async def _places(
    request: Request, session: WebSession, error: str = "", status: int = 200, detail: str = ""
) -> Response:
    region = region_of(request)
    message = region.pages.translator(request, session)(error) if error else ""
    async with region.registry.read() as t:
        clusters, towns, sites = await t.clusters.all(), await t.municipalities.all(), await t.sites.all()
        documents = (await t.layers.chains([])).documents
    said = {f"{level}/{place}": sum(1 for _ in leaves(document)) for (level, place), document in documents.items()}
    return region.pages.page(
        request, "stations/profiles.html", session, status, clusters=clusters, municipalities=towns, sites=sites,
        said=said, error=f"{message} {detail}".strip(),
    )  # fmt: skip


async def _profile(
    request: Request, session: WebSession, level: Level, place: str, *, texts: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None, conflict: str = "", saved: int | None = None,
) -> Response:  # fmt: skip
    region = region_of(request)
    async with region.registry.read() as t:
        where = await place_of(t, level, place)
        layer, above = await t.layers.get(level, where.place), await t.layers.above(level, where.place)
        clinics, tokens = [one.name for one in await t.clinics.all()], await t.api_tokens.names()
    words, has = region.pages.translator(request, session), region.pages.has_words
    teller, by = SettingTeller(words, has), ActorTeller(words, has, tokens).inside(layer.changed_by)
    written = {one.name: one.text(one.at(layer.document)) for one in settings(level)} | dict(texts or {})
    faults = {one.name: teller.of_setting(wrong or {}, one.name) for one in settings(level)}
    lines = [_line(one, written[one.name], above, faults[one.name], teller, clinics) for one in settings(level)]
    groups = {name: [line for line in lines if line.setting.group == name] for name in groups_of(settings(level))}
    others = teller.others(wrong or {}, settings(level))
    return region.pages.page(
        request, "stations/profile.html", session, 422 if wrong else 409 if conflict else 200, where=where,
        layer=layer, groups=groups, clinics=clinics, others=others, any_wrong=bool(wrong), conflict=conflict,
        saved=saved, place=place, level=level, by=by,
    )  # fmt: skip


def _line(one: Setting, own: str, above: Merged, wrong: str, teller: SettingTeller, clinics: Sequence[str]) -> Line:
    """The setting, where somebody has written `own`; `clinics` are those there are."""
    choices = choices_of(one, own, teller, clinics)
    return Line(one, own, teller.value(one, above.document), teller.source(one, above.sources), wrong, choices)


def groups_of(of: Iterable[Setting]) -> list[str]:
    """Under which headings settings stand in a form, each once; those that have none are first."""
    return sorted({one.group: None for one in of}, key=bool)


def choices_of(one: Setting, own: str, teller: SettingTeller, clinics: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What can be chosen, as pairs of value and words; empty where something is to be typed."""
    if one.kind == "flag":
        values: Sequence[str] = ("yes", "no")
    elif one.name in _CLINICS:
        values = list(dict.fromkeys([*clinics, *([own] if own not in ("", NONE, AS_ABOVE) else []), NONE]))
    else:
        values = one.choices
    return tuple((value, teller.word(one, value)) for value in values)
