"""A region for tests: the real pages, registry and guard over httpx, a downlink with a memory, a manual clock."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

from messaging.envelope import Place
from messaging.link.port import LinkDown
from messaging.twin import Language
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.vault import open_authority
from region.addresses import Addresses
from region.desk.subject import subject as desk_subject
from region.evaluation.subject import subject as evaluation_subject
from region.fleet.subject import subject as fleet_subject
from region.people.subject import subject as people_subject
from region.people.tokens import MadeToken, TokenService, WantedToken
from region.registry import Registry
from region.registry.records import Clinic, Person, Role, Site, Station, TokenRole
from region.registry.store import RegistryEnrolmentStore
from region.stations.admission import Admission
from region.stations.cards import CardService
from region.stations.claims import ClaimService
from region.stations.codes import CodeService
from region.stations.diagnostics import DiagnosticsService
from region.stations.lacking import Lacking
from region.stations.layout import LayoutService
from region.stations.publishing import Publisher
from region.stations.removing import RemovalService
from region.stations.service import StationService
from region.stations.subject import commands as station_commands
from region.stations.subject import subject as stations_subject
from region.web.context import Region, WebSettings
from region.web.events import Hub
from region.web.limits import Limits
from region.web.oidc.provider import Provider
from region.web.pages import Pages
from region.web.passwords import Passwords
from region.web.sign_in import make_link
from region.web.site import build_site
from region.web.subject import Subject
from tests.kits.clock import ManualClock
from tests.kits.servers.databases import ready_sqlite
from tests.kits.trust.enrolment_store import InMemorySigner
from tests.kits.trust.signing import SigningKit

PASSWORD = "correct horse battery"
HTML = {"accept": "text/html,*/*"}


@dataclass
class Sent:
    """One message to a station, as the region meant it."""

    topic: str
    message: object
    retain: bool
    expiry_s: int | None
    place: Place | None = None


@dataclass
class FakeDownlink:
    """A way to the stations that remembers, and can be cut."""

    is_up: bool = True
    sent: list[Sent] = field(default_factory=list)

    async def send(
        self, topic: str, message: object, *, retain: bool = False, expiry_s: int | None = None,
        place: Place | None = None,
    ) -> None:  # fmt: skip
        if not self.is_up:
            raise LinkDown("cut by the test")
        self.sent.append(Sent(topic, message, retain, expiry_s, place))


@dataclass
class FaultyDownlink(FakeDownlink):
    """Takes so many messages, then goes down."""

    takes: int = 2

    async def send(self, topic: str, message: object, *, retain: bool = False, expiry_s: int | None = None) -> None:
        if len(self.sent) >= self.takes:
            raise LinkDown("cut by the test")
        await super().send(topic, message, retain=retain, expiry_s=expiry_s)


def quick_passwords() -> Passwords:
    """Real argon2id with parameters that cost a test nothing."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@dataclass
class Kit:
    """The region, its application, and hands to use it with."""

    region: Region
    app: FastAPI
    clock: ManualClock
    downlink: FakeDownlink

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """A browser nobody is signed in in; it follows no redirects."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=self.region.settings.public_url, headers=headers or HTML)

    async def places(self) -> tuple[Clinic, Site, Station]:
        """A clinic, a site and a station that calls the clinic."""
        async with self.region.registry.begin() as t:
            clinic = await t.clinics.add("Bakkens Klinik", "+45 12 34 56 78", self.clock.wall())
            site = await t.sites.add("Solgården", self.clock.wall())
            station = await t.stations.add("Room 4", site.id, clinic.id, self.clock.wall())
        return clinic, site, station

    async def person(self, name: str, role: Role, clinic: Clinic | None = None, **more: Any) -> Person:
        """An account with PASSWORD."""
        hashed = await self.region.passwords.hash(PASSWORD)
        async with self.region.registry.begin() as t:
            return await t.people.add(
                name, role, self.clock.wall(), clinic_id=clinic and clinic.id, password_hash=hashed, **more
            )

    @asynccontextmanager
    async def signed_in(self, person: Person, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """A browser that person is signed in in, by a one-time link."""
        async with self.browser(**headers) as browser:
            response = await browser.get(await self.link(person))
            assert response.status_code == 303, response.text
            yield browser

    async def link(self, person: Person, *, whole: bool = True) -> str:
        """A one-time link, good for a minute; unless `whole` is False, without the second step."""
        public_url = self.region.settings.public_url
        return await make_link(self.region.registry, public_url, person, self.clock.wall(), 60, whole=whole)

    async def token(self, maker: str, role: TokenRole, **more: Any) -> MadeToken:
        """An API token that this person makes."""
        service = TokenService(self.region.registry, self.clock)
        return await service.make(maker, WantedToken("Import from the register", role, **more))

    def script(self, secret: str) -> httpx.AsyncClient:
        """A script that comes with that token."""
        return self.browser(accept="application/json", authorization=f"Bearer {secret}")

    async def csrf(self, browser: httpx.AsyncClient, path: str = "/account") -> str:
        """The token of that browser's pages."""
        found = re.search(r'name="csrf-token" content="([^"]+)"', (await browser.get(path, headers=HTML)).text)
        assert found, "the page carries no token"
        return found[1]


def every_subject(data: Path) -> tuple[Callable[[Region], Subject], ...]:
    """All subjects of the product, with an authority in `data`; for `region_kit`."""

    def stations(region: Region) -> Subject:
        authority = open_authority(data / "ca", region.clock)
        enrolment = Enrolment(
            RegistryEnrolmentStore(region.registry, region.clock), InMemorySigner(authority), region.clock
        )
        return stations_subject(
            StationService(region.registry, region.clock),
            CodeService(region.registry, region.clock, enrolment, authority.root_sha256, Addresses()),
            enrolment,
            Publisher(region.registry, region.downlink, SigningKit(region.clock, authority), region.clock),
            Lacking(region.registry, region.clock),
            Admission(region.registry, region.clock),
            station_commands(region, SigningKit(region.clock, authority)),
            ClaimService(region.registry, region.clock, Addresses("http://region.test")),
            LayoutService(region.registry, region.clock),
            CardService(region.registry, region.clock, authority.root_sha256, Addresses()),
            DiagnosticsService(region.registry, region.clock),
            RemovalService(region.registry, region.clock),
        )

    return desk_subject, fleet_subject, stations, evaluation_subject, people_subject


def still(make: Callable[[Region], Subject]) -> Callable[[Region], Subject]:
    """The subject without what goes on by itself: whatever is written then, a request wrote, and days pass at once."""
    return lambda region: replace(make(region), run=None, duty=None)


@asynccontextmanager
async def region_kit(
    data: Path, subjects: Iterable[Callable[[Region], Subject]] = (), *, language: Language | None = None,
    public_url: str = "http://region.test", provider: Callable[[ManualClock], Provider] | None = None,
    database: str = "", **settings: Any,
) -> AsyncIterator[Kit]:  # fmt: skip
    """A region with its database in `data`, or at `database`.

    `subjects` are the packages' `subject` functions; `provider` vouches.
    """
    clock = ManualClock()
    registry = Registry(database or ready_sqlite(data))
    downlink = FakeDownlink()
    region = Region(
        settings=replace(WebSettings(public_url, language), **settings), registry=registry, clock=clock, hub=Hub(clock),
        pages=Pages(clock, language), downlink=downlink, passwords=quick_passwords(), limits=Limits(registry, clock),
        provider=provider and provider(clock),
    )  # fmt: skip
    made = [make(region) for make in subjects]
    work = [act for subject in made for act in (subject.run, subject.duty) if act is not None]
    running = [asyncio.create_task(act()) for act in work]
    try:
        yield Kit(region, build_site(region, made), clock, downlink)
    finally:
        region.hub.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await region.hub.settled()
        await registry.close()
