"""Settings of many stations at once: a form in which nothing written leaves a setting as it is at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from messaging.reasons import say
from provisioning.authority.setting_fields import AS_ABOVE, Setting, read_values, settings
from region.registry import NotFound, Refused
from region.registry.filters import Filter
from region.registry.records import Station, WebSession
from region.stations.bulk import Many
from region.stations.layout import LayoutService
from region.stations.profile_pages import choices_of, groups_of
from region.web.auth import ItAdmin
from region.web.context import region_of
from region.web.settings_told import SettingTeller

_OURS = ("csrf", "stations", "where")


@dataclass(frozen=True)
class Blank:
    """A setting in the form: what has been written, what is wrong with it, and pairs of value and words to choose."""

    setting: Setting
    own: str
    wrong: str
    choices: tuple[tuple[str, str], ...]


def build_router(layout: LayoutService) -> APIRouter:
    """The pages; what they do is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.post("/bulk/settings")
    async def show_settings(request: Request, session: ItAdmin, stations: Many, where: Many = "") -> Response:
        return await _form(request, session, await _named(request, stations), where)

    @router.post("/bulk/settings/save")
    async def save_settings(request: Request, session: ItAdmin, stations: Many, where: Many = "") -> Response:
        form = await request.form()
        texts = {key: value for key, value in form.items() if isinstance(value, str) and key not in _OURS}
        chosen = await _named(request, stations)
        values, wrong = read_values(texts)
        if not values and not wrong:
            wrong = {"document": say("nothing")}
        try:
            if wrong:
                raise Refused(wrong)
            changes = await layout.say_each(session.person.name, chosen, values)
        except Refused as error:
            return await _form(request, session, chosen, where, texts, error.fields)
        region = region_of(request)
        async with region.registry.read() as t:
            after = await t.finding.find(Filter(station=tuple(changes)), region.clock.wall())
        rows = [(one, changes[one.id]) for one in after]
        return region.pages.page(
            request, "stations/bulk_saved.html", session, rows=rows, where=where,
            changed=sum(bool(some) for some in changes.values()),
            teller=SettingTeller(region.pages.translator(request, session), region.pages.has_words),
        )  # fmt: skip

    return router


async def _named(request: Request, stations: str) -> Sequence[Station]:
    region, which = region_of(request), Filter(station=tuple(dict.fromkeys(stations.split())))
    if not which.station:
        raise NotFound("no station was named")
    async with region.registry.read() as t:
        await t.finding.check(which)
        return await t.finding.find(which, region.clock.wall())


async def _form(
    request: Request, session: WebSession, stations: Sequence[Station], where: str,
    texts: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    region = region_of(request)
    async with region.registry.read() as t:
        clinics = [one.name for one in await t.clinics.all()]
    teller = SettingTeller(region.pages.translator(request, session), region.pages.has_words)
    written, faults = texts or {}, wrong or {}
    blanks = [
        Blank(one, own, teller.of_setting(faults, one.name), choices_of(one, own, teller, clinics))
        for one in settings("station")
        for own in (written.get(one.name, ""),)
    ]
    return region.pages.page(
        request, "stations/bulk_settings.html", session, 422 if faults else 200, count=len(stations), where=where,
        groups={name: [one for one in blanks if one.setting.group == name] for name in groups_of(settings("station"))},
        ids=" ".join(one.id for one in stations), as_above=AS_ABOVE, any_wrong=bool(faults),
        others=teller.others(faults, settings("station")),
    )  # fmt: skip
