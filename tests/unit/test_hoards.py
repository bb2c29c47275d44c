"""What stations retain in vain: taken away from the broker, and who goes on is shut out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.link.port import Inbound, LinkRefused
from messaging.topics import ROOT, station_subscriptions, up
from region.floods import WITHIN_S
from region.registry import Unavailable
from region.serving.hoards import SHUT_OUT_WITHIN_S, Hoards, Sweeper, in_vain
from tests.kits.clock import ManualClock
from tests.kits.eventually import eventually
from tests.kits.servers.memory_broker import MemoryBroker, MemoryLink, matches

THIEF, OTHER = "st-k3m9q2x7", "st-another0"
MOST = 5


class Broker(MemoryBroker):
    """One at which something happens when the first message is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self.at_the_first_clearing: Callable[[], object] | None = None

    def publish(self, client_id: str, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        happens = None if payload else self.at_the_first_clearing
        if happens is not None:
            self.at_the_first_clearing = None
            happens()
        return super().publish(client_id, topic, payload, retain=retain)


class Front:
    """A broker, and what the region does about what its stations retain."""

    def __init__(self) -> None:
        self.broker, self.clock = Broker(), ManualClock()
        self.visits: list[MemoryLink] = []
        self.sweeper = Sweeper(self._visit, self.clock)
        self.hoards = Hoards(self.clock, self.sweeper.add, self._shut_out, MOST)
        self.shut_out: list[str] = []
        self.admissions = {THIEF: "admitted", OTHER: "admitted"}
        self.away = False

    def _visit(self, filters: tuple[str, ...]) -> MemoryLink:
        assert not any(matches(one, up(OTHER, "birth")) for one in filters), "what others say is not asked for"
        self.visits.append(self.broker.link(f"visit {len(self.visits)}", filters))
        return self.visits[-1]

    async def _shut_out(self, station: str) -> None:
        if self.away:
            raise Unavailable("away")
        self.shut_out.append(station)
        self.admissions[station] = "quarantined"

    def retain(self, topic: str, payload: bytes = b"x") -> None:
        self.broker.publish("a station", topic, payload, retain=True)

    def hoard(self, station: str, count: int) -> list[Inbound]:
        """So many that nobody is to keep, as they are heard."""
        topics = [up(station, "call", f"c{len(self.broker.log) + number:07}") for number in range(count)]
        for topic in topics:
            self.retain(topic)
        return [Inbound(topic, b"x", True, 1) for topic in topics]

    async def look(self, *said: Inbound) -> None:
        await self.hoards.look(said, self.admissions)

    async def swept(self) -> None:
        """Until nothing is retained that is not to stay."""
        await self.clock.advance(SHUT_OUT_WITHIN_S)
        await eventually(lambda: not self.left())

    def left(self) -> set[str]:
        return {topic for topic in self.broker.retained if "/conn/" not in topic}


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    front = Front()
    sweeping = asyncio.create_task(front.sweeper.run())
    yield front
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)


async def test_what_is_retained_in_vain_is_taken_away_and_presence_stays(front: Front) -> None:
    front.retain(up(THIEF, "conn", "agent"), b"online")
    for topic in (up(THIEF, "cmd", "volume", "c1"), up(THIEF, "birth"), f"{ROOT}/{THIEF}/up/rubbish"):
        front.retain(topic)
    await front.look(*front.hoard(THIEF, 1))
    await front.swept()
    assert front.broker.retained == {up(THIEF, "conn", "agent"): b"online"}
    assert front.shut_out == [], "once is no attack"


async def test_what_is_no_hoard_makes_nobody_look(front: Front) -> None:
    await front.look(
        Inbound(up(THIEF, "conn", "call"), b"x", True, 1),
        Inbound(up(THIEF, "m", "health"), b"x", False, 2),
        Inbound(up(THIEF, "call", "c1"), b"", True, 3),  # so it sounds when it is taken away
    )
    await front.clock.advance(SHUT_OUT_WITHIN_S)
    assert front.visits == []


async def test_who_goes_on_is_shut_out_once_and_the_others_are_not(front: Front) -> None:
    await front.look(*front.hoard(THIEF, MOST), *front.hoard(OTHER, 1))
    assert front.shut_out == []
    await front.look(*front.hoard(THIEF, 1))
    await front.look(*front.hoard(THIEF, 1))
    assert front.shut_out == [THIEF]


async def test_the_count_begins_anew_after_a_while(front: Front) -> None:
    for _ in range(3):
        await front.look(*front.hoard(THIEF, MOST))
        await front.clock.advance(WITHIN_S)
    assert front.shut_out == []


async def test_while_the_database_is_away_it_is_shut_out_with_its_next(front: Front) -> None:
    front.away = True
    await front.look(*front.hoard(THIEF, MOST + 1))
    front.away = False
    await front.look(*front.hoard(THIEF, 1))
    assert front.shut_out == [THIEF]


async def test_it_is_not_swept_before_whoever_does_it_is_out(front: Front) -> None:
    await front.look(*front.hoard(THIEF, 2))
    await front.clock.advance(SHUT_OUT_WITHIN_S - 0.1)
    assert front.visits == []
    front.hoard(THIEF, 2)
    await front.clock.advance(0.1)
    await eventually(lambda: not front.left())


async def test_those_who_are_shut_out_together_are_swept_in_one_visit(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    shut_out = [f"st-stolen{number:02}" for number in range(30)]
    for station in shut_out:
        front.hoard(station, 2)
        await front.sweeper.add(station)
    await front.swept()
    await eventually(lambda: caplog.text.count("had retained 2 in vain") == len(shut_out))
    assert len(front.visits) == 1


async def test_what_comes_while_it_is_swept_goes_too(front: Front) -> None:
    """Each look at the broker is followed by another, until one finds nothing."""
    front.hoard(THIEF, 3)
    front.broker.at_the_first_clearing = lambda: front.hoard(THIEF, 3)
    assert await asyncio.wait_for(front.sweeper.sweep([THIEF]), 10) == {THIEF: 6}
    assert not front.left()


async def test_a_connection_that_breaks_begins_anew(front: Front) -> None:
    def breaks() -> None:
        front.broker.cut("visit 0")
        asyncio.get_running_loop().call_soon(front.broker.restore, "visit 0")

    front.hoard(THIEF, 3)
    front.broker.at_the_first_clearing = breaks
    await asyncio.wait_for(front.sweeper.sweep([THIEF]), 10)
    assert not front.left()
    assert not front.visits[0].is_up, "a visit is over"


async def test_a_broker_that_does_not_let_us_is_told_and_the_next_station_is_swept(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    front.broker.refuse("visit 0", *station_subscriptions(THIEF))
    await front.look(*front.hoard(THIEF, 1))
    await front.clock.advance(SHUT_OUT_WITHIN_S)
    await eventually(lambda: f"what {THIEF} retained in vain stays" in caplog.text)
    with pytest.raises(LinkRefused):
        front.broker.refuse(f"visit {len(front.visits)}", *station_subscriptions(THIEF))
        await front.sweeper.sweep([THIEF])
    await front.look(*front.hoard(THIEF, 1))
    await front.swept()


@given(st.text(max_size=60), st.booleans())
def test_whatever_the_topic_is_only_what_was_sent_to_stay_is_in_vain(topic: str, retained: bool) -> None:
    assert in_vain(Inbound(topic, b"x", retained, 1)) == retained
