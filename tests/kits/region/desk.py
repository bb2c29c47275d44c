"""A call desk for tests: the real desk in a real region (see `app`), a station that speaks, and clinicians."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from messaging.call import Connected, Devices, FromStation, Offer, Request, to_data
from messaging.envelope import Sealer, open_envelope
from messaging.status import Connection, HungUp
from messaging.topics import Topic, down
from region.desk.hands import Caller
from region.desk.service import Desk
from region.desk.subject import make_desk, mount
from region.registry.records import Clinic, Person, ProcessPresence, Station
from region.web.subject import PresenceChange
from region.web.turn import TurnSettings
from tests.kits.clock import ManualClock
from tests.kits.region.app import Kit, region_kit

CALL = "aabbccdd00112233"
TURN = TurnSettings(("turn:turn.test:3478",), "a secret of the tests")


@dataclass
class FakeStation:
    """Station-call as the desk hears it; `heard` is what the desk said to it."""

    kit: Kit
    desk: Desk
    id: str
    sealer: Sealer
    bd: int = 0

    async def says(self, message: FromStation | dict[str, Any], call: str = CALL) -> None:
        """Say something in a call; plain data goes as it is."""
        data = message if isinstance(message, dict) else to_data(message)
        envelope = open_envelope(self.sealer.seal(data))
        await self.desk.ear.handle(Topic(self.id, "up", "call", (call,)), envelope)

    async def comes(self, call: str | None = None, boot: str | None = None, hung_up: HungUp | None = None) -> None:
        """Connect to the broker."""
        self.bd += 1
        await self._presence(Connection("call", "online", boot or self.sealer.boot, self.bd, {}, call, hung_up))

    async def goes(self) -> None:
        """The broker tells the Will."""
        await self._presence(Connection("call", "offline", self.sealer.boot, self.bd))

    async def said_again(self) -> None:
        """The broker delivers what it retains once more."""
        before = await self._known()
        assert before is not None
        said = Connection("call", before.state, before.boot, before.bd, {}, before.call)
        await self.desk.presence(PresenceChange(self.id, said, before))

    def heard(self, call: str = CALL) -> list[dict[str, Any]]:
        """What the desk said in that call."""
        topic = down(self.id, "call", call)
        return [sent.message for sent in self.kit.downlink.sent if sent.topic == topic]  # type: ignore[misc]

    def heard_last(self, call: str = CALL) -> dict[str, Any]:
        """The last of it."""
        return self.heard(call)[-1]

    async def _known(self) -> ProcessPresence | None:
        async with self.kit.region.registry.read() as t:
            return await t.reports.presence(self.id, "call")

    async def _presence(self, said: Connection) -> None:
        before = await self._known()
        async with self.kit.region.registry.begin() as t:
            await t.reports.set_presence(self.id, said, self.kit.clock.wall())
        await self.desk.presence(PresenceChange(self.id, said, before))


@dataclass
class Clinician:
    """A clinician with one page open."""

    person: Person
    page: str
    browser: httpx.AsyncClient
    csrf: str
    events: AsyncGenerator[str, None]
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """Post as the page's scripts do."""
        return await self.browser.post(
            f"/desk/{path}", json={"page": self.page, **body}, headers={"X-CSRF-Token": self.csrf}
        )

    async def sees(self, name: str) -> dict[str, Any]:
        """The next event of that name."""
        while True:
            for i, (event, data) in enumerate(self.told):
                if event == name:
                    del self.told[: i + 1]
                    return data
            chunk = await anext(self.events)
            for block in chunk.strip().split("\n\n"):
                lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
                if lines:
                    self.told.append((lines["event"], json.loads(lines["data"])))

    async def leaves(self) -> None:
        """The page's event stream ends."""
        await self.events.aclose()


@dataclass
class House:
    """Everything a test of the desk needs."""

    kit: Kit
    desk: Desk
    clinic: Clinic
    station: FakeStation
    stack: AsyncExitStack

    @property
    def clock(self) -> ManualClock:
        return self.kit.clock

    async def clinician(self, name: str, page: str = "", clinic: Clinic | None = None) -> Clinician:
        """A clinician with the desk open."""
        person = await self.kit.person(name, "clinician", clinic or self.clinic, display_name=name.title(), title="GP")
        return await self.page_of(person, page or (name * 16)[:16])

    async def page_of(self, person: Person, page: str) -> Clinician:
        """One more page of that person, with its event stream."""
        browser = await self.stack.enter_async_context(self.kit.signed_in(person))
        csrf = await self.kit.csrf(browser)
        topics = (f"desk:clinic:{person.clinic_id}", f"desk:person:{person.id}", f"desk:page:{page}")
        events = self.kit.region.hub.stream(topics)
        self.stack.push_async_callback(events.aclose)
        await anext(events)
        return Clinician(person, page, browser, csrf, events)

    async def is_left_by(self, clinician: Clinician) -> None:
        """The clinician's page goes away, and the desk notices."""
        await clinician.leaves()
        await self.desk.rooms.see_pages()
        await self.desk.rooms.tick()

    async def another_station(self, name: str = "Room 5", clinic: Clinic | None = None) -> FakeStation:
        """One more station of the clinic, at the same site."""
        async with self.kit.region.registry.begin() as t:
            site = (await t.sites.all())[0]
            station = await t.stations.add(name, site.id, (clinic or self.clinic).id, self.clock.wall())
        return make_station(self.kit, self.desk, station)

    async def audit(self) -> list[tuple[str, str, str]]:
        """The audit's rows about calls, oldest first: who, what, how it came out."""
        async with self.kit.region.registry.read() as t:
            rows = await t.audit.recent(200)
        return [(row.actor, row.action, row.outcome) for row in reversed(rows) if row.action.startswith("call.")]


def make_station(kit: Kit, desk: Desk, station: Station) -> FakeStation:
    """A station's mouth and ear."""
    return FakeStation(kit, desk, station.id, Sealer(kit.clock.monotonic, kit.clock.wall))


@asynccontextmanager
async def desk_house(data: Path) -> AsyncIterator[House]:
    """A desk with one clinic, one site and one station, that is online."""
    desks: list[Desk] = []

    def subject(region: Any) -> Any:
        desks.append(make_desk(region))
        return mount(desks[0])

    async with region_kit(data, [subject], turn=TURN) as kit, AsyncExitStack() as stack:
        clinic, _, station = await kit.places()
        house = House(kit, desks[0], clinic, make_station(kit, desks[0], station), stack)
        await house.station.comes()
        yield house


OFFER = Offer(1, "v=0 the station's offer")


async def ring(house: House, **devices: Any) -> None:
    """The resident presses."""
    await house.station.says(Request(Devices(**devices)))
    await house.station.says(OFFER)


async def talk(house: House, clinician: Any) -> None:
    """From the press to a call with media."""
    await ring(house)
    assert (await clinician.post(f"calls/{CALL}/claim")).status_code == 200
    assert (await clinician.post(f"calls/{CALL}/answer", generation=1, sdp="v=0 answer")).status_code == 200
    await house.station.says(Connected(1, 140.0))


def caller(clinician: Clinician) -> Caller:
    """That clinician, as the desk knows whose click it was."""
    return Caller(clinician.person, clinician.page)
