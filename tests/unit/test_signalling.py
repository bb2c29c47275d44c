"""The call's side of the broker, on the broker in process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.call.events import Heard, LinkDown, LinkUp
from device.call.signalling import EXPIRY_S, MOST_WAITING, REFUSALS_AT_ONCE, Signalling
from messaging.call import (
    Alerting,
    Answer,
    Devices,
    FromRegion,
    FromStation,
    Hangup,
    Invite,
    Rejected,
    Request,
    from_station,
    to_data,
)
from messaging.codec import decode
from messaging.envelope import Sealer, open_envelope
from messaging.status import Connection, HungUp
from messaging.topics import call_subscriptions, down, parse, up
from tests.kits.clock import ManualClock
from tests.kits.examples import examples
from tests.kits.servers.memory_broker import MemoryBroker

STATION, CLIENT = "st-00000001", "st-00000001-call"
CALL, OTHER = "0123456789abcdef", "fedcba9876543210"


@dataclass
class Line:
    """A station's signalling and, at the other end of the broker, what a region would see and say."""

    broker: MemoryBroker = field(default_factory=MemoryBroker)
    clock: ManualClock = field(default_factory=ManualClock)
    events: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.region = Sealer(self.clock.monotonic, self.clock.wall)
        self.sealer = Sealer(self.clock.monotonic, self.clock.wall)
        self.signalling = Signalling(
            STATION, lambda subscriptions, will: self.broker.link(CLIENT, subscriptions, will),
            self.clock, self.sealer, {"laegeknap": "1"}, self.events.append,
        )  # fmt: skip
        self.mouth = self.broker.link("region", (), None)

    async def says(self, payload: bytes, call: str = CALL, *, retain: bool = False) -> None:
        await self.mouth.publish(down(STATION, "call", call), payload, retain=retain)
        await self.settle()

    async def tells(self, message: FromRegion, call: str = CALL) -> None:
        await self.says(self.region.seal(to_data(message)), call)

    async def settle(self) -> None:
        await self.clock.advance(0)

    def said(self) -> list[tuple[str, FromStation]]:
        """(call, message) of all the signalling that reached the broker."""
        return [
            (topic.words[0], from_station(open_envelope(payload).data))
            for client, text, payload in self.broker.log
            if client == CLIENT and (topic := parse(text)).branch == "call"
        ]

    def order(self) -> list[str]:
        """What reached the broker, in order: the kind of message, or the presence."""
        words = []
        for client, text, payload in self.broker.log:
            if client == CLIENT:
                data = open_envelope(payload).data
                words.append(data["type"] if parse(text).branch == "call" else f"{data['state']}/{data.get('call')}")
        return words

    def presence(self) -> Connection:
        return decode(Connection, open_envelope(self.broker.retained[up(STATION, "conn", "call")]).data)

    def heard(self) -> list[Heard]:
        return [event for event in self.events if isinstance(event, Heard)]


@asynccontextmanager
async def connected() -> AsyncIterator[Line]:
    line = Line()
    await line.mouth.start()
    await line.signalling.connect()
    running = asyncio.create_task(line.signalling.run())
    await line.settle()
    try:
        yield line
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_it_listens_to_its_own_station_only() -> None:
    async with connected() as line:
        assert line.events == [LinkUp()]
        assert call_subscriptions(STATION) == (f"vs/1/d/{STATION}/dn/call/+", f"vs/1/d/{STATION}/dn/conn/call")


class TestPresence:
    async def test_it_says_that_it_is_there_and_in_no_call(self) -> None:
        async with connected() as line:
            assert line.presence() == Connection(
                "call", "online", line.sealer.boot, 1, {"laegeknap": "1"}, answers=True
            )  # fmt: skip

    async def test_the_will_carries_the_number_of_the_birth(self) -> None:
        async with connected() as line:
            line.broker.cut(CLIENT, say_will=True)
            said = line.presence()
            assert (said.state, said.bd, said.boot) == ("offline", 1, line.sealer.boot)

    async def test_asked_whether_it_is_there_it_says_so_again(self) -> None:
        async with connected() as line:
            before, said = line.presence(), len(line.order())
            await line.mouth.publish(down(STATION, "conn", "call"), line.region.seal({}))
            await line.settle()
            assert line.order()[said:] == ["online/None"]
            assert line.presence() == before

    @pytest.mark.parametrize(("payload", "retain"), [(b"{", False), (None, True)])
    async def test_what_is_no_question_is_refused_and_counted(self, payload: bytes | None, retain: bool) -> None:
        async with connected() as line:
            said = len(line.order())
            await line.mouth.publish(down(STATION, "conn", "call"), payload or line.region.seal({}), retain=retain)
            await line.settle()
            assert line.order()[said:] == []
            assert sum(line.signalling.refused.values()) == 1

    async def test_the_call_it_is_in_is_told(self) -> None:
        async with connected() as line:
            line.signalling.in_call(CALL)
            await line.settle()
            assert line.presence().call == CALL

    async def test_the_hangup_is_told_before_the_presence_that_follows_from_it(self) -> None:
        async with connected() as line:
            line.signalling.say(CALL, Request(Devices()))
            line.signalling.in_call(CALL)
            line.signalling.say(CALL, Hangup("resident_left"))
            line.signalling.in_call(None)
            await line.settle()
            assert line.order() == ["online/None", "request", "hangup", "online/None"]

    async def test_presence_repeats_how_the_last_call_ended_for_whoever_missed_it(self) -> None:
        async with connected() as line:
            line.signalling.in_call(CALL)
            line.signalling.say(CALL, Hangup("resident_left"))
            line.signalling.in_call(None)
            await line.settle()
            assert line.presence().hung_up == HungUp(CALL, "resident_left")

    async def test_an_orderly_end_says_so_itself(self) -> None:
        async with connected() as line:
            line.signalling.say(CALL, Hangup("station_restarted"))
            await line.signalling.stop(1)
            assert line.order()[-2:] == ["hangup", "offline/None"]


class TestSpeaking:
    async def test_messages_arrive_in_order(self) -> None:
        async with connected() as line:
            for code in ("one", "two", "three"):
                line.signalling.say(CALL, Rejected(code))
            await line.settle()
            assert [message.code for _, message in line.said()] == ["one", "two", "three"]

    async def test_what_was_said_while_the_link_was_down_is_told_once_it_is_back(self) -> None:
        async with connected() as line:
            line.broker.cut(CLIENT)
            await line.settle()
            line.signalling.say(CALL, Hangup("resident_left"))
            await line.settle()
            assert line.said() == []
            line.broker.restore(CLIENT)
            await line.settle()
            assert line.said() == [(CALL, Hangup("resident_left"))]
            assert line.events == [LinkUp(), LinkDown(), LinkUp()]

    async def test_after_its_time_only_the_end_of_a_call_is_still_told(self) -> None:
        async with connected() as line:
            line.broker.cut(CLIENT)
            line.signalling.say(CALL, Request(Devices()))
            line.signalling.say(CALL, Hangup("cancelled"))
            await line.clock.advance(EXPIRY_S + 1)
            line.broker.restore(CLIENT)
            await line.settle()
            assert line.said() == [(CALL, Hangup("cancelled"))]
            assert line.signalling.refused["expired"] == 1

    async def test_a_message_sent_again_is_known_as_the_same(self) -> None:
        async with connected() as line:
            link = line.signalling._link
            real, tries = link.publish, []

            async def breaks_after_the_broker_took_it(topic: str, payload: bytes, **rest: object) -> None:
                tries.append(payload)
                await real(topic, payload)
                if len(tries) == 1:
                    line.broker.cut(CLIENT)
                    await real(topic, payload)  # raises LinkDown

            link.publish = breaks_after_the_broker_took_it
            line.signalling.say(CALL, Hangup("cancelled"))
            await line.settle()
            line.broker.restore(CLIENT)
            await line.settle()
            assert tries[0] == tries[1]

    async def test_too_much_to_say_drops_the_oldest_and_never_the_end_of_a_call(self) -> None:
        async with connected() as line:
            line.broker.cut(CLIENT)
            line.signalling.say(CALL, Hangup("cancelled"))
            for number in range(MOST_WAITING + 10):
                line.signalling.say(OTHER, Rejected(str(number)))
            line.broker.restore(CLIENT)
            await line.settle()
            assert len(line.said()) <= MOST_WAITING
            assert line.said()[0] == (CALL, Hangup("cancelled"))
            assert line.said()[-1] == (OTHER, Rejected(str(MOST_WAITING + 9)))

    async def test_a_broker_that_refuses_is_counted_and_does_not_block_the_rest(self) -> None:
        async with connected() as line:
            line.broker.refuse(CLIENT, up(STATION, "call", OTHER))
            line.signalling.say(OTHER, Alerting(Devices()))
            line.signalling.say(CALL, Hangup("cancelled"))
            await line.settle()
            assert line.said() == [(CALL, Hangup("cancelled"))]
            assert line.signalling.refused["broker_refused"] == 1


class TestListening:
    async def test_what_the_region_says_is_heard(self) -> None:
        async with connected() as line:
            await line.tells(Invite("Ann Demo", "GP"))
            assert line.heard() == [Heard(CALL, Invite("Ann Demo", "GP"))]

    async def test_a_replay_is_refused(self) -> None:
        async with connected() as line:
            payload = line.region.seal(to_data(Invite("Ann Demo")))
            await line.says(payload)
            await line.says(payload)
            assert len(line.heard()) == 1
            assert line.said() == [(CALL, Rejected("stale"))]

    async def test_messages_out_of_order_are_refused(self) -> None:
        async with connected() as line:
            early, late = line.region.seal(to_data(Invite("early"))), line.region.seal(to_data(Invite("late")))
            await line.says(late)
            await line.says(early)
            assert line.heard() == [Heard(CALL, Invite("late"))]

    async def test_a_delivery_made_twice_is_heard_once(self) -> None:
        async with connected() as line:
            line.broker.duplicate_next()
            await line.tells(Invite("Ann Demo"))
            assert len(line.heard()) == 1

    async def test_a_restarted_region_is_heard_and_its_past_is_not(self) -> None:
        async with connected() as line:
            old = line.region
            await line.tells(Invite("old"))
            line.region = Sealer(line.clock.monotonic, line.clock.wall)
            await line.tells(Invite("new"))
            await line.says(old.seal(to_data(Hangup("closed"))))
            assert [heard.message for heard in line.heard()] == [Invite("old"), Invite("new")]

    @pytest.mark.parametrize(
        ("payload", "code"),
        [
            (b"", "malformed"),
            (b"\xff\x00", "malformed"),
            (b"[1]", "malformed"),
            (b"[" * 5000, "malformed"),
            (b'{"v":1}', "malformed"),
            (b'{"v":99,"id":"a"}', "unknown_version"),
            (b'{"pad":"' + b"x" * 70_000 + b'"}', "oversized"),
        ],
    )
    async def test_what_is_no_envelope_is_refused_with_its_reason(self, payload: bytes, code: str) -> None:
        async with connected() as line:
            await line.says(payload)
            assert line.heard() == []
            assert line.signalling.refused == {code: 1}
            assert line.said() == [(CALL, Rejected(code))]

    @pytest.mark.parametrize(
        "data",
        [
            {"type": "request", "devices": {}},  # a station's word
            {"type": "answer", "generation": 0, "sdp": "x"},
            {"type": "answer", "generation": 1, "sdp": "x" * 40_000},
            {"type": "invite"},
            {"type": ["invite"]},
            {},
        ],
    )
    async def test_what_is_no_message_of_the_region_is_refused(self, data: dict[str, object]) -> None:
        async with connected() as line:
            await line.says(line.region.seal(data))
            assert (line.heard(), line.said()) == ([], [(CALL, Rejected("malformed"))])

    async def test_retained_signalling_is_refused(self) -> None:
        async with connected() as line:
            line.broker.cut(CLIENT)
            await line.says(line.region.seal(to_data(Invite("ghost"))), retain=True)
            line.signalling._link._session.waiting.clear()
            line.broker.restore(CLIENT)
            await line.settle()
            assert line.heard() == []
            assert line.signalling.refused["retained"] == 1

    async def test_a_flood_is_counted_and_not_answered_with_a_flood(self) -> None:
        async with connected() as line:
            for _ in range(200):
                await line.says(b"garbage")
            assert line.signalling.refused["malformed"] == 200
            assert len(line.said()) == REFUSALS_AT_ONCE
            await line.clock.advance(10)
            await line.says(b"garbage")
            assert len(line.said()) == REFUSALS_AT_ONCE + 1

    async def test_made_up_calls_do_not_make_it_forget_the_running_one(self) -> None:
        async with connected() as line:
            line.signalling.in_call(CALL)
            old = line.region.seal(to_data(Answer(1, "answer")))
            await line.says(old)
            for number in range(100):
                await line.tells(Hangup("closed"), f"{number:016d}")
            await line.says(old)
            assert [heard for heard in line.heard() if heard.call == CALL] == [Heard(CALL, Answer(1, "answer"))]

    async def test_every_message_is_acknowledged_even_one_that_is_refused(self) -> None:
        async with connected() as line:
            await line.says(b"garbage")
            await line.tells(Invite("Ann Demo"))
            assert line.signalling._link._session.unacknowledged == {}

    async def test_a_call_id_that_is_none_is_counted_and_not_answered(self) -> None:
        async with connected() as line:
            await line.tells(Invite("Ann Demo"), "short")
            assert (line.heard(), line.said()) == ([], [])
            assert line.signalling.refused["malformed"] == 1


@settings(max_examples=examples(100), deadline=None)
@given(payloads=st.lists(st.one_of(st.binary(max_size=200), st.from_type(dict).map(repr).map(str.encode)), max_size=5))
def test_no_bytes_bring_it_down(payloads: list[bytes]) -> None:
    async def story() -> None:
        async with connected() as line:
            for payload in payloads:
                await line.says(payload)
            await line.tells(Invite("Ann Demo"))
            assert line.heard() == [Heard(CALL, Invite("Ann Demo"))]

    asyncio.run(story())


async def test_the_numbers_it_seals_with_only_grow() -> None:
    async with connected() as line:
        for _ in range(3):
            line.signalling.say(CALL, Rejected("x"))
        await line.settle()
        sequence = [open_envelope(payload).seq for client, _, payload in line.broker.log if client == CLIENT]
        assert sequence == sorted(set(sequence))
