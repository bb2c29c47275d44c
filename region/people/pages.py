"""The pages of people; for IT."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.people.service import Oneself, PeopleService, Wanted, found
from region.registry import Conflict, Invalid, RegistryError
from region.registry.records import Person, Role, WebSession
from region.web.auth import ItInPerson
from region.web.context import region_of
from region.web.fields import Number
from region.web.forms import choice
from region.web.sign_in import LINK_LIVES_S

ROLES: tuple[Role, ...] = get_args(Role)
DONE = ("saved", "block", "unblock", "sign-out", "reset-second-step")
Text = Annotated[str, Form(max_length=120)]
Ids = Annotated[list[int], Form(max_length=1000, default_factory=list)]
Action = Literal["block", "unblock", "sign-out", "reset-second-step"]
_REFUSALS: tuple[tuple[type[RegistryError], str, int], ...] = (
    (Oneself, "people.error.oneself", 409),
    (Conflict, "people.error.taken", 409),
    (Invalid, "people.error.invalid", 422),
)


def build_router(service: PeopleService) -> APIRouter:
    """The pages; what they do is the service's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/people")
    async def show_people(request: Request, session: ItInPerson, q: str = "") -> Response:
        return await _people(request, session, q[:100])

    @router.post("/people")
    async def add_person(
        request: Request, session: ItInPerson, name: Text, role: Text, sites: Ids, clinic: Text = "",
        display_name: Text = "", title: Text = "",
    ) -> Response:  # fmt: skip
        wanted = _wanted(role, clinic, sites, display_name, title)
        if error := _lacks_place(wanted):
            return await _people(request, session, error=error, status=422, name=name, wanted=wanted)
        try:
            person = await service.add(session.person.name, name, wanted)
        except (Conflict, Invalid) as refused:
            error, status = _refusal(refused)
            return await _people(request, session, error=error, status=status, name=name, wanted=wanted)
        return RedirectResponse(f"/people/{person.id}?done=saved", 303)

    @router.get("/people/{person_id}")
    async def show_person(request: Request, session: ItInPerson, person_id: Number, done: str = "") -> Response:
        return await _person(request, session, person_id, done=done)

    @router.post("/people/{person_id}")
    async def change_person(
        request: Request, session: ItInPerson, person_id: Number, role: Text, sites: Ids, clinic: Text = "",
        display_name: Text = "", title: Text = "",
    ) -> Response:  # fmt: skip
        wanted = _wanted(role, clinic, sites, display_name, title)
        if error := _lacks_place(wanted):
            return await _person(request, session, person_id, error=error, status=422, wanted=wanted)
        try:
            await service.change(session.person.name, person_id, wanted)
        except (Conflict, Invalid) as refused:
            error, status = _refusal(refused)
            return await _person(request, session, person_id, error=error, status=status, wanted=wanted)
        return _back(person_id, "saved")

    @router.post("/people/{person_id}/link")
    async def make_link(request: Request, session: ItInPerson, person_id: Number) -> Response:
        link = await service.link(session.person.name, person_id, region_of(request).settings.public_url)
        return await _person(request, session, person_id, link=link)

    @router.post("/people/{person_id}/{action}")
    async def act(request: Request, session: ItInPerson, person_id: Number, action: Action) -> Response:
        try:
            await _act(service, session.person.name, person_id, action)
        except Oneself as refused:
            error, status = _refusal(refused)
            return await _person(request, session, person_id, error=error, status=status)
        return _back(person_id, action)

    return router


async def _act(service: PeopleService, actor: str, person_id: Number, action: Action) -> None:
    match action:
        case "block" | "unblock":
            await service.set_active(actor, person_id, active=action == "unblock")
        case "sign-out":
            await service.sign_out(actor, person_id)
        case "reset-second-step":
            await service.reset_second_step(actor, person_id)


async def _people(
    request: Request, session: WebSession, typed: str = "", *, error: str = "", status: int = 200, name: str = "",
    wanted: Wanted | None = None,
) -> Response:  # fmt: skip
    region = region_of(request)
    async with region.registry.read() as t:
        people, clinics, sites = await t.people.all(), await t.clinics.all(), await t.sites.all()
    return region.pages.page(
        request, "people/people.html", session, status, people=found(people, typed), typed=typed, roles=ROLES,
        clinics=clinics, sites=sites, error=_words(request, session, error), name=name,
        wanted=wanted or Wanted("clinician"),
    )  # fmt: skip


async def _person(
    request: Request, session: WebSession, person_id: Number, *, done: str = "", error: str = "", status: int = 200,
    link: str = "", wanted: Wanted | None = None,
) -> Response:  # fmt: skip
    region = region_of(request)
    async with region.registry.read() as t:
        person, clinics, sites = await t.people.get(person_id), await t.clinics.all(), await t.sites.all()
        passkeys = await t.passkeys.of(person_id)
    return region.pages.page(
        request, "people/person.html", session, status, person=person, roles=ROLES, clinics=clinics, sites=sites,
        passkeys=passkeys, done=f"people.done.{done}" if done in DONE else "", error=_words(request, session, error),
        link=link, minutes=int(LINK_LIVES_S // 60), wanted=wanted or _is_now(person),
        oneself=person.name == session.person.name,
    )  # fmt: skip


def _is_now(person: Person) -> Wanted:
    sites = tuple(site.id for site in person.sites)
    return Wanted(person.role, person.clinic_id, sites, person.display_name, person.title)


def _wanted(role: str, clinic: str, sites: list[int], display_name: str, title: str) -> Wanted:
    """As the form says; places that mean nothing to the role are left out."""
    known = next((one for one in ROLES if one == role), None)
    if known is None:
        raise Invalid("role: there is no such role")
    clinic_id = choice(clinic) if known in ("clinician", "evaluator") else None
    places = tuple(sites) if known in ("site_staff", "evaluator") else ()
    return Wanted(known, clinic_id, places, display_name, title)


def _lacks_place(wanted: Wanted) -> str:
    if wanted.role == "clinician" and wanted.clinic_id is None:
        return "people.error.clinic"
    return "people.error.site" if wanted.role == "site_staff" and not wanted.sites else ""


def _refusal(error: RegistryError) -> tuple[str, int]:
    return next((words, status) for kind, words, status in _REFUSALS if isinstance(error, kind))


def _words(request: Request, session: WebSession, error: str) -> str:
    return region_of(request).pages.translator(request, session)(error) if error else ""


def _back(person_id: Number, done: str) -> Response:
    return RedirectResponse(f"/people/{person_id}?done={done}", 303)
