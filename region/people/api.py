"""The JSON API of people; for IT's scripts. Described at /api/openapi.json."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from region.people.service import Changed, PeopleService, Wanted
from region.registry.records import Person, Role
from region.registry.stations import KEPT
from region.web.auth import ItInPerson
from region.web.context import region_of
from region.web.fields import Body, Number
from region.web.sign_in import LINK_LIVES_S


class NewPerson(Body):
    """Somebody new: the name to sign in with, what they may do, where, and what residents see of them."""

    name: str = Field(max_length=64)
    role: Role
    clinic_id: Number | None = None
    sites: Annotated[list[Number], Field(max_length=1000)] = Field(default_factory=list)
    display_name: str = Field("", max_length=80)
    title: str = Field("", max_length=80)

    def wanted(self) -> Wanted:
        """For the service."""
        return Wanted(self.role, self.clinic_id, tuple(self.sites), self.display_name, self.title)


class PersonChange(Body):
    """What is to be another about somebody: what is not named, or null, stays as it is; `clinic_id` null: no clinic."""

    role: Role | None = None
    clinic_id: Number | None = None
    sites: Annotated[list[Number], Field(max_length=1000)] | None = None
    display_name: str | None = Field(default=None, max_length=80)
    title: str | None = Field(default=None, max_length=80)

    def changed(self) -> Changed:
        """For the service."""
        clinic_id = self.clinic_id if "clinic_id" in self.model_fields_set else KEPT
        sites = None if self.sites is None else tuple(self.sites)
        return Changed(self.role, clinic_id, sites, self.display_name, self.title)


class SignInLink(BaseModel):
    """A secret: it signs in once, within `expires_s` seconds."""

    link: str
    expires_s: int


class SignedOut(BaseModel):
    """How many browsers were signed out."""

    browsers: int


def build_router(service: PeopleService) -> APIRouter:
    """The routes below /api."""
    router = APIRouter(prefix="/api", tags=["people"])

    @router.get("/people")
    async def people(request: Request, _session: ItInPerson) -> list[Person]:
        """List the people who may sign in, by name."""
        async with region_of(request).registry.read() as t:
            return await t.people.all()

    @router.post("/people", status_code=201)
    async def add_person(session: ItInPerson, new: NewPerson) -> Person:
        """Add somebody; a link lets them in the first time."""
        return await service.add(session.person.name, new.name, new.wanted())

    @router.get("/people/{person_id}")
    async def person(request: Request, _session: ItInPerson, person_id: Number) -> Person:
        """One of the people."""
        async with region_of(request).registry.read() as t:
            return await t.people.get(person_id)

    @router.patch("/people/{person_id}")
    async def change_person(session: ItInPerson, person_id: Number, change: PersonChange) -> Person:
        """Change what somebody may do, and where; another role signs them out everywhere."""
        return await service.change(session.person.name, person_id, change.changed())

    @router.post("/people/{person_id}/block")
    async def block_person(session: ItInPerson, person_id: Number) -> Person:
        """Shut somebody out, at once and everywhere."""
        return await service.set_active(session.person.name, person_id, active=False)

    @router.post("/people/{person_id}/unblock")
    async def unblock_person(session: ItInPerson, person_id: Number) -> Person:
        """Let somebody in again."""
        return await service.set_active(session.person.name, person_id, active=True)

    @router.post("/people/{person_id}/sign-out")
    async def sign_out_person(session: ItInPerson, person_id: Number) -> SignedOut:
        """End all that somebody has open, and void their links."""
        return SignedOut(browsers=await service.sign_out(session.person.name, person_id))

    @router.post("/people/{person_id}/reset-second-step", status_code=204)
    async def reset_second_step(session: ItInPerson, person_id: Number) -> None:
        """Forget somebody's second step, for what was lost; the next sign-in sets it up anew."""
        await service.reset_second_step(session.person.name, person_id)

    @router.post("/people/{person_id}/link", status_code=201)
    async def make_sign_in_link(request: Request, session: ItInPerson, person_id: Number) -> SignInLink:
        """Make a link that signs somebody in, once; a second step is asked for as ever.

        It is a secret, and is told here and nowhere else.
        """
        link = await service.link(session.person.name, person_id, region_of(request).settings.public_url)
        return SignInLink(link=link, expires_s=int(LINK_LIVES_S))

    return router
