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
from device.health import read
from device.health.clock import ClockProbe
from device.health.processes import Happened
from device.health.report import Known, report
from device.health.versions import versions
from device.runtime.config import StationConfig
from device.runtime.log_stream import streaming_log
from device.runtime.service import Watchdog, set_log_level
from messaging.clock import Clock
from messaging.envelope import Sealer
from messaging.health import Event
from messaging.link.local import LocalClient, LocalServer, Reply
from messaging.link.port import Link
from messaging.local import AGENT_SOCKET, CALL_SOCKET, AgentView, FiguresKept, Message, Refusal, ScreenAlive
from messaging.settings import redacted
from messaging.status import Birth
from messaging.topics import up
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
    try_renewed: Callable[[Keystore, Waiting], Awaitable[None]] = try_at_broker
    set_log_level: Callable[[str], None] = set_log_level


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
        self._validity: tuple[float, float] | None = self._keystore.validity()
        self._uplink: Uplink | None = None
        self._enrolment_error = ""
        self._twin = Twin(ConfigStore(config.state_dir / "config.json"), self._clock.monotonic, self._facts, self._tell)
        self._last_report: float | None = None
        self._reported_at = self._clock.monotonic()

    async def run(self, watchdog: Watchdog) -> None:
        """Serve until cancelled."""
        enrolling = Enrolling(
            self._keystore, self._enrolment, self._clock, self._on.patience(), self._on_identity, self._on_error
        )
        await self._server.start()
        try:
            with streaming_log(self._server):
                await self._check_outbox()
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
                    tasks.create_task(self._tick(watchdog))
        finally:
            self._save_clock(now=True)
            await self._server.stop()
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
        interval = self._config.health.interval_s
        await self._clock.sleep(self._on.random.uniform(0, min(_FIRST_REPORT_WITHIN_S, interval)))
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
            await self._clock.sleep(interval * self._on.random.uniform(1 - _JITTER, 1 + _JITTER))

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
            await self._clock.sleep(_TICK_S)
            self._on.set_log_level(self._twin.in_force.config.log_level)

    async def _tick(self, watchdog: Watchdog) -> None:
        while True:
            self._neighbours.tick()
            self._save_clock()
            self._show()
            if self._clock.monotonic() - self._reported_at < self._config.health.interval_s * 2 + _STALLED_S:
                watchdog.progress()
            await self._clock.sleep(_TICK_S)

    # --- what they tell each other ---

    def _make_uplink(self, identity: Identity) -> Uplink:
        presence = Presence(identity.station, self._sealer, self._versions, self._connections)
        link = self._on.make_link(identity, self._keystore, presence.will)
        hooks = Hooks(self._birth, self._show, self._on_born, self._on_config_refused, self._clock)
        self._uplink = Uplink(link, presence, self._courier, self._twin, hooks)
        self._show()
        return self._uplink

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

    def _on_call(self, message: Message) -> None:
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
            self._neighbours.on_screen()
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
        view = AgentView(
            link="up" if self._uplink is not None and self._uplink.is_up else "down",
            enrolled=self._identity is not None,
            station=self._identity.station if self._identity else "",
            clock=self._sealer.clock_trust(),
            config=redacted(self._twin.in_force.config),
            config_version=self._twin.in_force.version,
            processes=self._neighbours.states,
            versions=self._versions,
            hardware=self._config.station.hardware,
            last_report=self._last_report,
            enrolment_error=self._complaint(),
        )
        self._server.show(view)

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
