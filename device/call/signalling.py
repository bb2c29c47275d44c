"""The call's side of the broker: what is said about calls, what is heard, and that this process is there.

Outgoing messages leave one by one, in order, each numbered once, so that one sent again after a broken connection
is known as the same. Presence takes its turn among them: "in no call" never overtakes the hang-up that explains it.
What has waited as long as signalling lives is dropped, save a hang-up: the end of a call is always told.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from device.call.events import Heard, LinkDown, LinkUp
from messaging.call import CALL_ID, FromStation, Hangup, Rejected, from_region, to_data
from messaging.clock import Clock
from messaging.envelope import OrderGuard, Sealer, open_envelope
from messaging.errors import MalformedMessage, MessageError
from messaging.link import port
from messaging.status import Connection, HungUp
from messaging.topics import call_subscriptions, parse, up

EXPIRY_S = 30
MOST_WAITING = 64
MOST_GUARDS = 32  # calls whose order of messages is remembered
REFUSALS_AT_ONCE = 10
REFUSALS_A_SECOND = 2.0
ANSWER_S = 1.0  # in a hurry: a broker that has not taken a message after so long is behind a dead line
MOST_PATIENCE_S = 4.0  # unless the line is only slow: each time twice as long
ASK_S = 3.0  # in a hurry: so often the broker is heard from, even if there is nothing to say

_log = logging.getLogger(__name__)

Will = Callable[[], tuple[str, bytes]]
MakeLink = Callable[[tuple[str, ...], Will], port.Link]
OnEvent = Callable[[Heard | LinkUp | LinkDown], None]


@dataclass
class _Waiting:
    call: str
    message: FromStation | None  # None: our presence
    said: float
    sealed: bytes | None = None

    @property
    def must_arrive(self) -> bool:
        return self.message is None or isinstance(self.message, Hangup)


class Signalling:
    """One station's signalling, over a link from `make_link(subscriptions, will)`. `on_event` is called on the loop."""

    def __init__(
        self,
        station: str,
        make_link: MakeLink,
        clock: Clock,
        sealer: Sealer,
        versions: dict[str, str],
        on_event: OnEvent,
    ) -> None:
        self.refused: Counter[str] = Counter()
        self._station = station
        self._clock = clock
        self._sealer = sealer
        self._versions = versions
        self._on_event = on_event
        self._link = make_link(call_subscriptions(station), self._will)
        self._bd = 0
        self._call: str | None = None
        self._hung_up: HungUp | None = None
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._said_all = asyncio.Event()
        self._said_all.set()
        self._guards: OrderedDict[str, OrderGuard] = OrderedDict()
        self._bucket = _Bucket(clock)
        self._hurried = asyncio.Event()
        self._patience = ANSWER_S
        self._waiting_since = 0.0  # monotonic: since when the broker has it to take, or since there is a hurry
        self._doubted = asyncio.Event()
        self._number = 0  # of the message that is being said
        self._unanswered = asyncio.Event()  # the broker has not taken it yet

    async def connect(self) -> None:
        """Begin to connect; what comes waits in the link for `run`."""
        await self._link.start()

    async def run(self) -> None:
        """Listen and speak until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._speak())
            tasks.create_task(self._ask())
            tasks.create_task(self._lose_patience())
            tasks.create_task(self._resolve_doubts())

    async def stop(self, within_s: float) -> None:
        """Let what is said reach the broker, for so long at most; then say that we are gone, in order."""
        if self._link.is_up:
            try:
                await asyncio.wait_for(self._said_all.wait(), within_s)
            except TimeoutError:
                _log.warning("%d messages were not said before the end", len(self._waiting))
        await self._link.stop((self._conn_topic, self._conn("offline")))

    def say(self, call: str, message: FromStation) -> None:
        """Say this about a call, after all that has been said before."""
        if isinstance(message, Hangup):
            self._hung_up = HungUp(call, message.reason)
        if len(self._waiting) >= MOST_WAITING:
            self._forget_one()
        self._append(_Waiting(call, message, self._clock.monotonic()))

    def refuse(self, call: str, code: str) -> None:
        """Count a message that was not taken and tell its sender, unless that would answer a flood with a flood."""
        self.refused[code] += 1
        _log.info("a message about call %.32s was not taken: %s", call, code)
        if CALL_ID.fullmatch(call) and self._bucket.take():
            self.say(call, Rejected(code))

    def in_call(self, call: str | None) -> None:
        """The call this process is in now, told with its presence."""
        if call != self._call:
            self._call = call
            self._announce()

    def hurry(self, on: bool) -> None:
        """A call is lost and somebody waits: a connection to the broker that does not answer is made anew at once."""
        if on == self._hurried.is_set():
            return
        self._patience = ANSWER_S
        self._waiting_since = self._clock.monotonic()
        if on:
            self._hurried.set()
        else:
            self._hurried.clear()
        self._link.hurry(on)

    def renew(self) -> None:
        """Another certificate is in force: connect anew with it."""
        self._link.renew()

    def doubt(self) -> None:
        """An address of this machine is gone: a broker that was reached by it will not answer any more."""
        if self._link.is_up:
            self._announce()
            self._doubted.set()

    # Presence

    @property
    def _conn_topic(self) -> str:
        return up(self._station, "conn", "call")

    def _will(self) -> tuple[str, bytes]:
        self._bd += 1
        return self._conn_topic, self._conn("offline")

    def _conn(self, state: Literal["online", "offline"]) -> bytes:
        there = state == "online"
        call = self._call if there else None
        said = Connection("call", state, self._sealer.boot, self._bd, self._versions, call, self._hung_up, there)
        return self._sealer.seal(said)

    def _announce(self) -> None:
        self._waiting = deque(w for w in self._waiting if w.message is not None)
        self._append(_Waiting("", None, self._clock.monotonic()))

    # Speaking

    def _append(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._said_all.clear()
        self._wake.set()

    async def _speak(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while self._waiting and self._link.is_up:
                    await self._speak_once(self._waiting[0])
            except port.LinkDown as down:
                _log.info("not said yet: %s", down)
            if not self._waiting:
                self._said_all.set()

    async def _speak_once(self, first: _Waiting) -> None:
        left = EXPIRY_S - (self._clock.monotonic() - first.said)
        if first.message is None:
            await self._publish(self._conn_topic, self._conn("online"), retain=True)
        elif left > 0 or first.must_arrive:
            first.sealed = first.sealed or self._sealer.seal(to_data(first.message))
            expiry_s = EXPIRY_S if first.must_arrive else max(1, round(left))
            await self._publish(up(self._station, "call", first.call), first.sealed, expiry_s=expiry_s)
        else:
            self.refused["expired"] += 1
        if self._waiting and self._waiting[0] is first:
            self._waiting.popleft()

    async def _publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> None:
        self._number += 1
        self._waiting_since = self._clock.monotonic()
        self._unanswered.set()
        try:
            await self._link.publish(topic, payload, retain=retain, expiry_s=expiry_s)
            self._patience = ANSWER_S
        except port.LinkRefused as refusal:
            self.refused["broker_refused"] += 1
            _log.error("the broker does not take what we say: %s", refusal)
        finally:
            self._unanswered.clear()

    async def _lose_patience(self) -> None:
        """While somebody waits, the broker may not be long in taking a message."""
        while True:
            await self._hurried.wait()
            await self._unanswered.wait()
            left = self._waiting_since + self._patience - self._clock.monotonic()
            if left > 0:
                await self._clock.sleep(left)
                continue  # another message may be waiting by now
            _log.info("the broker has not answered for %.1f s: connecting anew", self._patience)
            self._patience = min(2 * self._patience, MOST_PATIENCE_S)
            self._waiting_since = self._clock.monotonic()
            self._link.renew()

    async def _resolve_doubts(self) -> None:
        while True:
            await self._doubted.wait()
            self._doubted.clear()
            last = self._number + 1
            await self._clock.sleep(ANSWER_S)
            if self._unanswered.is_set() and self._number <= last:
                _log.info("the broker does not answer since an address went: connecting anew")
                self._link.renew()

    async def _ask(self) -> None:
        while True:
            await self._hurried.wait()
            await self._clock.sleep(ASK_S)
            if self._hurried.is_set() and not self._waiting and self._link.is_up:
                self._announce()

    def _forget_one(self) -> None:
        victim = next((w for w in self._waiting if not w.must_arrive), self._waiting[0])
        self._waiting.remove(victim)
        self.refused["too_much_to_say"] += 1

    # Listening

    async def _listen(self) -> None:
        async for event in self._link.events():
            if isinstance(event, port.Up):
                self._announce()
                self._on_event(LinkUp())
            elif isinstance(event, port.Down):
                self._on_event(LinkDown())
            else:
                self._take(event)
                self._link.ack(event)

    def _take(self, inbound: port.Inbound) -> None:
        try:
            topic = parse(inbound.topic)
            if (topic.direction, topic.branch, topic.words) == ("dn", "conn", ("call",)):
                self._answer(inbound)
                return
            call = topic.words[0] if (topic.direction, topic.branch) == ("dn", "call") else ""
            if not CALL_ID.fullmatch(call):
                raise MalformedMessage("not about a call")
        except MessageError as error:
            self.refuse("", error.code)
            return
        try:
            if inbound.retained:
                raise _Retained("signalling is never retained")
            envelope = open_envelope(inbound.payload)
            self._guard(call).admit(envelope)
            heard = Heard(call, from_region(envelope.data))
        except MessageError as error:
            self.refuse(call, error.code)
            return
        if isinstance(heard.message, Rejected):
            _log.warning("the region did not take what was said about call %s: %s", call, heard.message.code)
        self._on_event(heard)

    def _answer(self, question: port.Inbound) -> None:
        """Somebody asks whether we are there."""
        if question.retained:
            raise _Retained("a question is never retained")
        open_envelope(question.payload)
        self._announce()

    def _guard(self, call: str) -> OrderGuard:
        guard = self._guards.setdefault(call, OrderGuard())
        self._guards.move_to_end(call)
        if len(self._guards) > MOST_GUARDS:
            # A flood of made-up calls must not make us forget what the running one has had.
            del self._guards[next(known for known in self._guards if known != self._call)]
        return guard


class _Retained(MessageError):
    code = "retained"


class _Bucket:
    """So many at once, and so many a second after that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left = float(REFUSALS_AT_ONCE)
        self._at = clock.monotonic()

    def take(self) -> bool:
        now = self._clock.monotonic()
        self._left = min(REFUSALS_AT_ONCE, self._left + (now - self._at) * REFUSALS_A_SECOND)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
