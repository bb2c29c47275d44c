"""station-agent, put together: its tasks, and what they tell each other."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

from device.agent.call_figures import CallFigures
from device.agent.commands import hands, lasting, looking
from device.agent.commands.assembly import Commands
from device.agent.commands.doing import Reach
from device.agent.commands.evidence import Evidence
from device.agent.commands.journal import Journal
from device.agent.commands.lasting import Lasting
from device.agent.commands.ledger import Ledger
from device.agent.commands.table import CallStanding
from device.agent.commands.volume import OrderedVolume
from device.agent.commands.wiping import JOURNAL, Wiping
from device.agent.config_store import ConfigStore
from device.agent.courier import Courier
from device.agent.diagnostics.diagnosis import Diagnosis
from device.agent.ending import Ending
from device.agent.enrolling import Enrolling
from device.agent.health_reports import HealthReports
from device.agent.neighbours import DeviceHappened, Neighbours
from device.agent.networking import Networking
from device.agent.outbox import Outbox
from device.agent.presence import Presence
from device.agent.region_clock import ClockSetting, RegionClock
from device.agent.renewing import Renewing
from device.agent.surroundings import Surroundings
from device.agent.telling import Telling
from device.agent.timekeeping import Timekeeping
from device.agent.trial import Facts, facts_of
from device.agent.twin import Twin
from device.agent.uplink import Hooks, Uplink
from device.agent.words import Words
from device.health import read
from device.health.processes import Happened
from device.health.uptime import boot_id
from device.health.versions import versions
from device.network.factory import make_network
from device.network.time_servers import make_time_servers
from device.runtime.config import StationConfig
from device.runtime.log_stream import streaming_log
from device.runtime.service import Watchdog
from messaging.claim import serial_told
from messaging.link.local import LocalClient, LocalServer, Reply
from messaging.local import (
    AGENT_SOCKET,
    AT_HOME,
    CALL_SOCKET,
    AgentView,
    CallView,
    ClaimShown,
    Message,
    Refusal,
    ScreenAlive,
)  # fmt: skip
from messaging.settings import redacted
from messaging.status import Birth
from provisioning.station.claim import Claiming
from provisioning.station.egress import Egress
from provisioning.station.enrol import Enrolment
from provisioning.station.keystore import Identity, Keystore
from provisioning.station.region_time import RegionTime
from provisioning.station.renew import Renewal

_TICK_S = 1.0
_SERIAL = "proc/device-tree/serial-number"  # of a Raspberry Pi; a PC tells its own to root alone


class Agent:
    """One run of the agent. `run` serves until cancelled."""

    def __init__(self, config: StationConfig, surroundings: Surroundings) -> None:
        self._config = config
        self._on = surroundings
        self._clock = surroundings.clock
        self._keystore = Keystore(config.state_dir)
        self._out = Egress(lambda: self._twin.in_force.config.network.proxy)
        self._enrolment = Enrolment(self._keystore, Path(config.station.code_file), self._out)
        self._versions = versions(surroundings.root)
        self._validity = self._keystore.validity()
        self._call = LocalClient(config.runtime_dir / CALL_SOCKET, self._on_call, self._on_call_gone, self._clock)
        self._neighbours = Neighbours(self._clock, self._on_happened)
        self._ending = Ending(self._neighbours, self._call.send)
        self._hands = hands.make_hands(
            config.station.hardware, surroundings.root, config.runtime_dir, self._ending.machine
        )
        self._time = Timekeeping(
            self._clock, config.state_dir / "clock", self._certificate_begins, surroundings.root,
            kept=self._hands.clock_is_kept,
        )  # fmt: skip
        journal = Journal(config.state_dir / JOURNAL, self._time.present)
        wiping = Wiping(config.state_dir, Path(config.station.code_file))
        if wiping.finish(journal):
            self._validity = None
            lasting.forget(config.runtime_dir)
        self._volume = OrderedVolume(config.state_dir)
        self._lasting = Lasting(config.state_dir, config.runtime_dir, self._clock, self._show)
        self._outbox = Outbox(config.state_dir / "outbox.sqlite")
        self._courier = Courier(self._outbox, surroundings.thread)
        self._telling = Telling(self._courier, self._time.sealer)
        self._server = LocalServer(config.runtime_dir / AGENT_SOCKET, self._on_local)
        self._servers = make_time_servers(config.station.hardware, surroundings.root)
        self._renewing = Renewing(
            Renewal(self._keystore, lambda waiting: surroundings.try_renewed(self._keystore, waiting), self._out),
            self._clock, surroundings.random, self._time.trust, lambda: self._validity, self._on_renewed,
        )  # fmt: skip
        self._identities: asyncio.Queue[Identity] = asyncio.Queue()
        self._connections = itertools.count(1)
        self._identity: Identity | None = None
        self._uplink: Uplink | None = None
        self._enrolment_error = ""
        self._claim: ClaimShown | None = None
        self._twin = Twin(
            ConfigStore(config.state_dir / "config.json"), self._clock.monotonic, self._facts, self._telling.event
        )
        self._health = HealthReports(
            surroundings, config.state_dir, config.health.interval_s, self._telling, self._courier,
            self._neighbours, self._twin, self._time.trust, lambda: self._facts().busy,
            lambda: self._lasting.locked,
        )  # fmt: skip
        ledger = Ledger(journal, self._courier, self._time.sealer, surroundings.thread)
        self._diagnosis = Diagnosis(
            self._keystore,
            self._clock,
            self._time.sealer,
            self._twin,
            ledger,
            self._health.measure,
            self._look,
            self._out,
        )
        self._commands = Commands(
            ledger, wiping, self._reach(), self._clock, self._keystore, self._time.is_right, self._station
        )
        self._figures = CallFigures(self._neighbours, self._telling, self._call.send)

    async def run(self, watchdog: Watchdog) -> None:
        """Serve until cancelled, or until a command ends this run."""
        self._ending.begin()
        enrolling = Enrolling(
            self._keystore, self._enrolment, self._claiming(), self._clock, self._time.trust, self._on.patience(),
            self._on.random, self._on_identity, self._on_error, self._on_claim,
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
                    tasks.create_task(self._region_clock().run())
                    tasks.create_task(self._networking().run())
                    tasks.create_task(self._renewing.run())
                    tasks.create_task(self._stay_connected(tasks))
                    tasks.create_task(self._health.run())
                    tasks.create_task(self._telling.run())
                    tasks.create_task(self._figures.run())
                    tasks.create_task(self._try_config())
                    tasks.create_task(self._carry_out_commands())
                    tasks.create_task(self._tick(watchdog))
        finally:
            self._time.save(now=True)
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

    async def _try_config(self) -> None:
        """How a new config does; what it decides is told at once, or with the next birth."""
        while True:
            if self._twin.look():
                self._show()
                await self._report_config()
            self._on.set_log_level(self._twin.in_force.config.log_level)
            await self._clock.sleep(_TICK_S)

    async def _carry_out_commands(self) -> None:
        await self._telling.enrolled()
        await self._commands.run()

    async def _tick(self, watchdog: Watchdog) -> None:
        while True:
            self._neighbours.tick()
            self._time.save()
            self._show()
            if not self._health.stalled:
                watchdog.progress()
            await self._clock.sleep(_TICK_S)

    # --- what they tell each other ---

    def _claiming(self) -> Claiming:
        station = self._config.station
        serial = serial_told(read.text(self._on.root / _SERIAL) or "")
        return Claiming(self._config.state_dir, Path(station.region_file), Path(station.code_file), serial)

    def _region_clock(self) -> RegionClock:
        station = self._config.station
        known = RegionTime(self._keystore, Path(station.code_file), Path(station.region_file), self._clock, self._out)
        setting = ClockSetting(self._config.runtime_dir, boot_id(self._on.root))
        return RegionClock(
            known.ask, self._time, setting, self._servers, self._clock, self._on.random, self._telling.event
        )

    def _networking(self) -> Networking:
        station, keystore = self._config.station, self._keystore
        network = make_network(
            station.hardware, self._on.root, self._config.state_dir, self._config.runtime_dir,
            keystore.certificate, keystore.key,
        )  # fmt: skip
        return Networking(
            self._twin, network, self._servers, self._clock, lambda: self._identity is not None, self._report_config
        )

    async def _report_config(self) -> None:
        if self._uplink is not None:
            await self._uplink.report_config()

    def _make_uplink(self, identity: Identity) -> Uplink:
        presence = Presence(identity.station, self._time.sealer, self._versions, self._connections)
        link = self._on.make_link(identity, self._keystore, presence.will)
        words = Words(identity.station, self._keystore, self._time.sealer)
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
            self._hands, self._evidence, self._call_standing, self._call.send, self._ending.screen, self._ending.agent,
            self._diagnosis.hand_in, self._renewing.at_once, self._order_volume, self._lasting.lock, self._lasting.post,
            lambda: self._neighbours.states["screen"] != "stopped",
            self._look,
        )  # fmt: skip

    def _look(self) -> dict[str, float]:
        return looking.figures(self._view(), self._neighbours.call)

    def _evidence(self) -> Evidence:
        return Evidence(
            self._time.sealer.boot, self._hands.machine(), self._neighbours.run("call"), self._neighbours.run("screen"),
            self._validity[0] if self._validity else 0.0,
            self._neighbours.call.identified if self._neighbours.call else 0,
        )  # fmt: skip

    def _call_standing(self) -> CallStanding:
        call = self._neighbours.call
        if call is not None:
            return "none" if call.state in AT_HOME else "in_call"
        return "none" if self._neighbours.states["call"] == "stopped" else "unknown"

    def _order_volume(self, percent: int) -> None:
        self._volume.order(percent, self._twin.in_force)
        self._show()

    def _station(self) -> str:
        return self._identity.station if self._identity else ""

    def _facts(self) -> Facts:
        return facts_of(self._uplink is not None and self._uplink.is_up, self._neighbours.call)

    def _birth(self) -> Birth:
        expires = self._validity[1] if self._validity else None
        return Birth(self._config.station.hardware, self._versions, self._twin.in_force.version, expires)

    async def _on_born(self) -> None:
        if self._enrolment.settle():
            self._telling.event("enrolled")

    async def _on_config_refused(self) -> None:
        self._telling.event("config_refused", count=len(self._twin.verdict.refused))

    async def _check_outbox(self) -> None:
        await self._courier.counts()
        if self._outbox.set_aside is not None:
            self._telling.event("outbox_damaged")

    def _on_identity(self, identity: Identity) -> None:
        self._identity, self._validity = identity, self._keystore.validity()
        self._twin.serve(identity.station)
        self._telling.serve(identity.station)
        self._identities.put_nowait(identity)

    def _on_renewed(self) -> None:
        """Both processes go over to it by connecting anew: this one now, station-call between two calls."""
        self._validity = self._keystore.validity()
        if self._uplink is not None:
            self._uplink.renew()
        self._telling.event("certificate_renewed")

    def _on_error(self, code: str) -> None:
        self._enrolment_error = code
        self._show()

    def _on_claim(self, claim: ClaimShown | None) -> None:
        self._claim = claim
        self._show()

    def _on_call(self, message: Message) -> None:
        if isinstance(message, Refusal):
            self._commands.refused(message.code)
        if isinstance(message, CallView):
            self._lasting.heard(message)
        self._neighbours.on_call(message)
        self._figures.look()
        self._show()

    def _on_call_gone(self) -> None:
        self._neighbours.on_call_gone()
        self._show()

    def _on_happened(self, happened: Happened | DeviceHappened) -> None:
        self._telling.event(
            happened.kind, detail=happened.part if isinstance(happened, DeviceHappened) else happened.process
        )

    def _on_local(self, message: Message, reply: Reply) -> None:
        if isinstance(message, ScreenAlive):
            self._neighbours.on_screen(message.boot)
            self._ending.screen_is_alive(message, reply)
            self._show()
        else:
            reply(Refusal("unexpected"))

    def _show(self) -> None:
        self._server.show(self._view())

    def _view(self) -> AgentView:
        return AgentView(
            link="up" if self._uplink is not None and self._uplink.is_up else "down",
            enrolled=self._identity is not None,
            station=self._identity.station if self._identity else "",
            clock=self._time.trust(),
            config=redacted(self._volume.over(self._twin.in_force)),
            config_version=self._twin.in_force.version,
            processes=self._neighbours.states,
            versions=self._versions,
            hardware=self._config.station.hardware,
            last_report=self._health.last,
            enrolment_error=self._complaint(),
            claim=self._claim,
            locked=self._lasting.locked,
            message=self._lasting.message,
        )

    def _complaint(self) -> str:
        if self._enrolment_error or self._validity is None or self._identity is None:
            return self._enrolment_error
        expired = self._validity[1] < self._clock.wall() and self._time.trust() == "ntp"
        return (self._renewing.refusal or "certificate_expired") if expired else ""

    def _certificate_begins(self) -> float | None:
        return self._validity[0] if self._validity else None
