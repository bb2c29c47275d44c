"""station-agent, put together: its tasks, and what they tell each other."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random as random_module
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from device.agent.commands import hands, looking
from device.agent.commands.assembly import Commands
from device.agent.commands.doing import Reach
from device.agent.commands.evidence import Evidence
from device.agent.commands.journal import Journal
from device.agent.commands.ledger import Ledger
from device.agent.commands.table import CallStanding
from device.agent.commands.volume import OrderedVolume
from device.agent.commands.wiping import JOURNAL, Wiping
from device.agent.config_store import ConfigStore
from device.agent.courier import Courier
from device.agent.enrolling import Enrolling
from device.agent.neighbours import DeviceHappened, Neighbours
from device.agent.outbox import Kind, Outbox
from device.agent.presence import Presence
from device.agent.renewing import Renewing, try_at_broker
from device.agent.trial import Facts, facts_of
from device.agent.twin import Twin
from device.agent.uplink import Hooks, Uplink
from device.agent.words import Words
from device.health import read
from device.health.clock import ClockProbe
from device.health.processes import Happened
from device.health.rate import interval
from device.health.report import Known, report
from device.health.versions import versions
from device.runtime.config import StationConfig
from device.runtime.log_stream import streaming_log
from device.runtime.service import Watchdog, set_log_level
from messaging.claim import serial_told
from messaging.clock import Clock
from messaging.envelope import Sealer
from messaging.health import Event
from messaging.link.local import LocalClient, LocalServer, Reply
from messaging.link.port import Link
from messaging.local import (
    AGENT_SOCKET,
    CALL_SOCKET,
    AgentView,
    ClaimShown,
    End,
    FiguresKept,
    Message,
    Refusal,
    ScreenAlive,
)  # fmt: skip
from messaging.settings import redacted
from messaging.status import Birth
from messaging.topics import up
from provisioning.station.claim import Claiming
from provisioning.station.enrol import Enrolment, Patience
from provisioning.station.files import write_whole
from provisioning.station.keystore import Identity, Keystore
from provisioning.station.keystore import Renewing as Waiting
from provisioning.station.renew import Renewal

_log = logging.getLogger(__name__)
T = TypeVar("T")
Will = Callable[[], tuple[str, bytes]]
MakeLink = Callable[[Identity, Keystore, Will], Link]
_TICK_S = 1.0
_SERIAL = "proc/device-tree/serial-number"  # of a Raspberry Pi; a PC tells its own to root alone
_FIRST_REPORT_WITHIN_S = 3.0
_JITTER = 0.1  # of the interval, so that a fleet that came back as one does not report as one
_MOST_EVENTS = 64  # that wait for the station to be enrolled; then the outbox holds them
_MOST_CALLS = 32  # whose figures are known to be kept already
_STALLED_S = 120.0  # a report takes seconds; past this the machine does not answer any more


@dataclass(frozen=True)
class Surroundings:
    """What the agent runs on, given from outside so that tests choose it. `thread` is an executor of one thread."""

    clock: Clock
    make_link: MakeLink
    thread: Executor
    random: random_module.Random
    root: Path = read.MACHINE
    patience: Callable[[], Patience] = Patience
    set_log_level: Callable[[str], None] = set_log_level
    try_renewed: Callable[[Keystore, Waiting], Awaitable[None]] = try_at_broker


class Agent:
    """One run of the agent. `run` serves until cancelled."""

    def __init__(self, config: StationConfig, surroundings: Surroundings) -> None:
        self._config = config
        self._on = surroundings
        self._clock = surroundings.clock
        self._keystore = Keystore(config.state_dir)
        self._enrolment = Enrolment(self._keystore, Path(config.station.code_file))
        self._versions = versions(surroundings.root)
        self._trust = ClockProbe(config.state_dir / "clock", write_whole, self._certificate_begins, surroundings.root)
        self._sealer = Sealer(self._clock.monotonic, self._clock.wall, lambda: self._trust.trust(self._clock.wall()))
        self._hands = hands.make_hands(
            config.station.hardware, surroundings.root, config.runtime_dir, self._end_simulated
        )
        self._validity = self._keystore.validity()
        journal = Journal(config.state_dir / JOURNAL, self._present)
        wiping = Wiping(config.state_dir, Path(config.station.code_file))
        if wiping.finish(journal):
            self._validity = None
        self._volume = OrderedVolume(config.state_dir)
        self._outbox = Outbox(config.state_dir / "outbox.sqlite")
        self._courier = Courier(self._outbox, surroundings.thread)
        self._server = LocalServer(config.runtime_dir / AGENT_SOCKET, self._on_local)
        self._neighbours = Neighbours(self._clock, self._on_happened)
        self._renewing = Renewing(
            Renewal(self._keystore, lambda waiting: surroundings.try_renewed(self._keystore, waiting)),
            self._clock, surroundings.random, self._sealer.clock_trust, lambda: self._validity, self._on_renewed,
        )  # fmt: skip
        self._identities: asyncio.Queue[Identity] = asyncio.Queue()
        self._happened: asyncio.Queue[tuple[str, Event]] = asyncio.Queue(_MOST_EVENTS)
        self._call = LocalClient(config.runtime_dir / CALL_SOCKET, self._on_call, self._on_call_gone, self._clock)
        self._call_ended = asyncio.Event()
        self._enrolled = asyncio.Event()
        self._connections = itertools.count(1)
        self._identity: Identity | None = None
        self._uplink: Uplink | None = None
        self._enrolment_error = ""
        self._claim: ClaimShown | None = None
        self._twin = Twin(ConfigStore(config.state_dir / "config.json"), self._clock.monotonic, self._facts, self._tell)
        ledger = Ledger(journal, self._courier, self._sealer, surroundings.thread)
        self._commands = Commands(
            ledger, wiping, self._reach(), self._clock, self._keystore, self._clock_is_right, self._station
        )
        self._main: asyncio.Task[None] | None = None
        self._screen_to_end = ""
        self._last_report: float | None = None
        self._reported_at = self._clock.monotonic()

    async def run(self, watchdog: Watchdog) -> None:
        """Serve until cancelled, or until a command ends this run."""
        self._main = asyncio.current_task()
        enrolling = Enrolling(
            self._keystore, self._enrolment, self._claiming(), self._clock, self._on.patience(), self._on.random,
            self._on_identity, self._on_error, self._on_claim,
        )  # fmt: skip
        await self._server.start()
        try:
            with streaming_log(self._server):
                await self._check_outbox()
                await self._commands.open()
                watchdog.ready()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._call.run())
                    tasks.create_task(enrolling.run())
                    tasks.create_task(self._renewing.run())
                    tasks.create_task(self._stay_connected(tasks))
                    tasks.create_task(self._report_health())
                    tasks.create_task(self._keep_events())
                    tasks.create_task(self._keep_calls())
                    tasks.create_task(self._try_config())
                    tasks.create_task(self._carry_out_commands())
                    tasks.create_task(self._tick(watchdog))
        finally:
            self._save_clock(now=True)
            await self._server.stop()
            await self._commands.close()
            await self._courier.close()

    # --- the tasks ---

    async def _stay_connected(self, tasks: asyncio.TaskGroup) -> None:
        """One uplink at a time, under the newest identity; one that fails takes the agent with it, to a restart."""
        running: asyncio.Task[None] | None = None
        while True:
            identity = await self._identities.get()
            if running is not None:
                running.cancel()
                await asyncio.wait([running])
            running = tasks.create_task(self._make_uplink(identity).run(), name="uplink")

    async def _report_health(self) -> None:
        await self._clock.sleep(self._on.random.uniform(0, _FIRST_REPORT_WITHIN_S))
        while True:
            waiting, dropped = await self._courier.counts()
            known = Known(
                self._sealer.clock_trust(), self._neighbours.devices, self._neighbours.states,
                waiting, dropped, self._twin.refused_messages + self._neighbours.refused_messages,
                self._neighbours.echo, self._neighbours.sound_test,
            )  # fmt: skip
            health = await self._in_thread(
                partial(report, known, self._config.state_dir, self._clock.monotonic(), self._on.root)
            )
            if self._identity is not None:
                await self._post("measurement", "m", "health", health)
                self._last_report = self._clock.wall()
            self._reported_at = self._clock.monotonic()
            share = self._on.random.uniform(1 - _JITTER, 1 + _JITTER)
            while (left := self._reported_at + self._interval() * share - self._clock.monotonic()) > 0:
                await self._clock.sleep(min(left, _TICK_S))  # a call may begin, or another rate come into force

    def _interval(self) -> int:
        telemetry = self._twin.in_force.config.telemetry
        return interval(self._config.health.interval_s, telemetry, in_call=self._facts().busy)

    async def _keep_events(self) -> None:
        await self._enrolled.wait()
        while True:
            kind, event = await self._happened.get()
            await self._post("event", "e", kind, event)

    async def _keep_calls(self) -> None:
        """What calls were like: station-call holds it until it is on our disk, and tells us all it holds each time."""
        kept: deque[str] = deque(maxlen=_MOST_CALLS)
        await self._enrolled.wait()
        while True:
            await self._call_ended.wait()
            self._call_ended.clear()
            for quality in self._neighbours.ended:
                if quality.call not in kept:
                    await self._post("measurement", "m", "call", quality)
                    kept.append(quality.call)
                self._call.send(FiguresKept(quality.call))

    async def _try_config(self) -> None:
        """How a new config does; what it decides is told at once, or with the next birth."""
        while True:
            if self._twin.look():
                self._show()
                if self._uplink is not None:
                    await self._uplink.report_config()
            self._on.set_log_level(self._twin.in_force.config.log_level)
            await self._clock.sleep(_TICK_S)

    async def _carry_out_commands(self) -> None:
        await self._enrolled.wait()
        await self._commands.run()

    async def _tick(self, watchdog: Watchdog) -> None:
        while True:
            self._neighbours.tick()
            self._save_clock()
            self._show()
            if self._clock.monotonic() - self._reported_at < self._interval() * 2 + _STALLED_S:
                watchdog.progress()
            await self._clock.sleep(_TICK_S)

    # --- what they tell each other ---

    def _claiming(self) -> Claiming:
        station = self._config.station
        serial = serial_told(read.text(self._on.root / _SERIAL) or "")
        return Claiming(self._config.state_dir, Path(station.region_file), Path(station.code_file), serial)

    def _make_uplink(self, identity: Identity) -> Uplink:
        presence = Presence(identity.station, self._sealer, self._versions, self._connections)
        link = self._on.make_link(identity, self._keystore, presence.will)
        words = Words(identity.station, self._keystore, self._sealer)
        hooks = Hooks(
            self._birth,
            self._show,
            self._on_born,
            self._on_config_refused,
            self._commands.take,
            words.read,
            self._clock,
        )
        self._uplink = Uplink(link, presence, self._courier, self._twin, hooks)
        self._show()
        return self._uplink

    # --- what a command may touch ---

    def _reach(self) -> Reach:
        return Reach(
            self._hands, self._evidence, self._call_standing, self._call.send, self._end_screen, self._end,
            self._renewing.at_once, self._order_volume, lambda: looking.figures(self._view(), self._neighbours.call),
        )  # fmt: skip

    def _evidence(self) -> Evidence:
        return Evidence(
            self._sealer.boot, self._hands.machine(), self._neighbours.run("call"), self._neighbours.run("screen"),
            self._validity[0] if self._validity else 0.0,
        )  # fmt: skip

    def _call_standing(self) -> CallStanding:
        call = self._facts().call
        if call is not None:
            return "in_call" if call.busy else "none"
        return "none" if self._neighbours.states["call"] == "stopped" else "unknown"

    def _end(self) -> None:
        """End in order, once; systemd starts it anew."""
        if self._main is not None and not self._main.cancelling():
            self._main.cancel()

    def _end_screen(self, run: str) -> bool:
        """The screen is asked in answer to its next sign of life."""
        self._screen_to_end = run
        return self._neighbours.states["screen"] == "running"

    def _end_simulated(self) -> None:
        """The simulated machine starts anew: so do its processes."""
        self._call.send(End(self._neighbours.run("call")))
        self._end()

    def _order_volume(self, percent: int) -> None:
        self._volume.order(percent, self._twin.in_force)
        self._show()

    def _clock_is_right(self) -> bool:
        trust = self._sealer.clock_trust()
        return trust == "ntp" or (trust == "floor" and self._hands.clock_is_kept)

    def _present(self) -> float:
        return self._clock.wall() if self._clock_is_right() else self._trust.floor()

    def _station(self) -> str:
        return self._identity.station if self._identity else ""

    def _facts(self) -> Facts:
        return facts_of(self._uplink is not None and self._uplink.is_up, self._neighbours.call)

    def _birth(self) -> Birth:
        expires = self._validity[1] if self._validity else None
        return Birth(self._config.station.hardware, self._versions, self._twin.in_force.version, expires)

    async def _on_born(self) -> None:
        if self._enrolment.settle():
            self._tell("enrolled")

    async def _on_config_refused(self) -> None:
        self._tell("config_refused", count=len(self._twin.verdict.refused))

    async def _check_outbox(self) -> None:
        await self._courier.counts()
        if self._outbox.set_aside is not None:
            self._tell("outbox_damaged")

    def _on_identity(self, identity: Identity) -> None:
        self._identity, self._validity = identity, self._keystore.validity()
        self._twin.serve(identity.station)
        self._enrolled.set()
        self._identities.put_nowait(identity)

    def _on_renewed(self) -> None:
        """Both processes go over to it by connecting anew: this one now, station-call between two calls."""
        self._validity = self._keystore.validity()
        if self._uplink is not None:
            self._uplink.renew()
        self._tell("certificate_renewed")

    def _on_error(self, code: str) -> None:
        self._enrolment_error = code
        self._show()

    def _on_claim(self, claim: ClaimShown | None) -> None:
        self._claim = claim
        self._show()

    def _on_call(self, message: Message) -> None:
        if isinstance(message, Refusal):
            self._commands.refused(message.code)
        self._neighbours.on_call(message)
        if self._neighbours.ended:
            self._call_ended.set()
        self._show()

    def _on_call_gone(self) -> None:
        self._neighbours.on_call_gone()
        self._show()

    def _on_happened(self, happened: Happened | DeviceHappened) -> None:
        self._tell(happened.kind, detail=happened.part if isinstance(happened, DeviceHappened) else happened.process)

    def _on_local(self, message: Message, reply: Reply) -> None:
        if isinstance(message, ScreenAlive):
            self._neighbours.on_screen(message.boot)
            if self._screen_to_end and self._screen_to_end == message.boot:
                reply(End(self._screen_to_end))
                self._screen_to_end = ""
            self._show()
        else:
            reply(Refusal("unexpected"))

    def _tell(self, kind: str, detail: str = "", count: int = 1) -> None:
        _log.info("event %s %s", kind, detail)
        if self._happened.full():
            self._happened.get_nowait()
        self._happened.put_nowait((kind, Event(detail, count)))

    async def _post(self, kind: Kind, branch: str, name: str, message: object) -> None:
        if self._identity is not None:
            await self._courier.post(kind, up(self._identity.station, branch, name), self._sealer.seal(message))

    def _show(self) -> None:
        self._server.show(self._view())

    def _view(self) -> AgentView:
        return AgentView(
            link="up" if self._uplink is not None and self._uplink.is_up else "down",
            enrolled=self._identity is not None,
            station=self._identity.station if self._identity else "",
            clock=self._sealer.clock_trust(),
            config=redacted(self._volume.over(self._twin.in_force)),
            config_version=self._twin.in_force.version,
            processes=self._neighbours.states,
            versions=self._versions,
            hardware=self._config.station.hardware,
            last_report=self._last_report,
            enrolment_error=self._complaint(),
            claim=self._claim,
        )

    def _complaint(self) -> str:
        if self._enrolment_error or self._validity is None or self._identity is None:
            return self._enrolment_error
        expired = self._validity[1] < self._clock.wall() and self._sealer.clock_trust() == "ntp"
        return (self._renewing.refusal or "certificate_expired") if expired else ""

    def _certificate_begins(self) -> float | None:
        return self._validity[0] if self._validity else None

    def _save_clock(self, *, now: bool = False) -> None:
        try:
            self._trust.save(self._clock.wall(), now=now)
        except OSError as error:
            _log.warning("the time cannot be saved: %s", error)

    async def _in_thread(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._on.thread, act)
