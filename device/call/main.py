"""station-call, put together: `main(config)` runs it.

The broker is being connected to while the media libraries load, which takes longer; the button is listened to as soon
as there is something for it to start.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from device.call.consent import answers_itself
from device.call.errors import DevicesStuck, IdentityReplaced
from device.call.events import AddressCame, AddressGone, Configured, DevicesChanged, Pressed
from device.call.late_engine import LateEngine
from device.call.manner import manner_of
from device.call.service import CallService
from device.call.session import begin
from device.call.signalling import Signalling
from device.call.standing import (
    Standing,
    certificate_stamp,
    is_locked,
    is_nobody,
    mqtt_link,
    read_config,
    read_identity,
)
from device.call.state import HOME, Moment
from device.hardware.errors import HardwareError
from device.runtime.addresses import Addresses
from device.runtime.bridge import Inlet
from device.runtime.config import StationConfig
from device.runtime.log_stream import streaming_log
from device.runtime.memory import give_back, keep_memory_small
from device.runtime.service import EXIT_FAULT, Watchdog, run_service, set_log_level
from kiosk_ui.words import Words
from messaging.call import new_call_id
from messaging.clock import Clock, SystemClock
from messaging.envelope import ClockTrust, Sealer
from messaging.health import SoundTest
from messaging.link.local import LocalClient, LocalServer, Reply
from messaging.local import (
    AGENT_SOCKET,
    CALL_SOCKET,
    AgentView,
    End,
    FiguresKept,
    Message,
    Press,
    Refusal,
    RunSoundTest,
    ShowWhich,
    Simulate,
    SoundTested,
)
from messaging.opening import is_open
from messaging.version import version
from provisioning.station.keystore import Identity

if TYPE_CHECKING:
    from device.hardware.ports import Hardware
    from device.media.media import Media

_log = logging.getLogger(__name__)
_TICK_S = 1.0
_LOOK_AGAIN_TICKS = 5
_GIVE_BACK_TICKS = 60
_LEVELS_S = 0.1


def main(config: StationConfig) -> int:
    """Run station-call until it is told to end; an exit code."""
    keep_memory_small()
    return run_service("station-call", functools.partial(run, config, SystemClock()))


async def run(config: StationConfig, clock: Clock, watchdog: Watchdog) -> None:
    """Run station-call until cancelled."""
    await StationCall(config, clock, watchdog).run()


class StationCall:
    """The process: who it listens to, and whom it tells."""

    def __init__(self, config: StationConfig, clock: Clock, watchdog: Watchdog) -> None:
        self._config = config
        self._clock = clock
        self._watchdog = watchdog
        self._trust: ClockTrust = "unset"
        self._sealer = Sealer(clock.monotonic, clock.wall, lambda: self._trust)
        self._standing = read_config(config.state_dir)
        self._locked = is_locked(config.state_dir)
        self._identity: Identity | None = None
        self._certificate: int | None = None
        self._signalling: Signalling | None = None
        self._server = LocalServer(config.runtime_dir / CALL_SOCKET, self._commanded)
        self._agent = LocalClient(
            config.runtime_dir / AGENT_SOCKET, self._agent_said, self._agent_gone, clock
        )  # while the agent is away, what it said last of the config holds
        self._screen = False  # the resident's screen is there, as far as the agent tells
        self._known = Configured(False, False)
        self._presses: Inlet[None] = Inlet(asyncio.get_running_loop(), size=16)
        self._main: asyncio.Task[None] | None = None
        self._ending = False
        self._tasks: asyncio.TaskGroup
        self._hardware: Hardware
        self._media: Media
        self._service: CallService

    async def run(self) -> None:
        """Until cancelled, asked to end, or a StationError."""
        self._main = asyncio.current_task()
        with streaming_log(self._server):
            signalling = self._enrol()
            try:
                if signalling is not None:
                    await signalling.connect()
                await self._load()
                async with asyncio.TaskGroup() as tasks:
                    await self._serve(tasks)
            except BaseExceptionGroup as group:
                cause = _cause(group)
                if isinstance(cause, DevicesStuck):
                    _end_at_once(cause)
                raise cause from group
            finally:
                if self._signalling is not None:
                    await self._signalling.stop(0)

    async def _serve(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        ended = tasks.create_task(self._service.run())
        if self._signalling is not None:
            tasks.create_task(self._signalling.run())
        try:
            await self._server.start()
            self._hardware.button.listen(self._pressed)
            for work in (
                self._agent.run(), self._take_presses(), self._tell_levels(), self._keep_house(),
                self._media.load_canceller(), self._media.choose_encoder(),
                Addresses(self._address_came, self._address_gone).follow(),
            ):  # fmt: skip
                tasks.create_task(work)
            self._watchdog.ready()
            await asyncio.wait({ended})  # not `await ended`: our own end must not cut short how the call is closed
        finally:
            await self._service.stop()
            await self._server.stop()

    # Coming up

    def _enrol(self) -> Signalling | None:
        """Who this station is, and its signalling, if it is anybody yet."""
        self._identity = read_identity(self._config.state_dir)
        self._certificate = certificate_stamp(self._config.state_dir)
        if self._identity is None:
            return None
        self._signalling = Signalling(
            self._identity.station, mqtt_link(self._identity, self._config.state_dir, self._clock), self._clock,
            self._sealer, {"laegeknap": version()}, lambda event: self._service.happened(event),
        )  # fmt: skip
        return self._signalling

    def _enrol_late(self) -> None:
        signalling = self._enrol()
        if signalling is None:
            return
        _log.info("enrolled")
        self._service.signalling = signalling
        self._configured()

        async def connect_and_run() -> None:
            await signalling.connect()
            await signalling.run()

        self._tasks.create_task(connect_and_run())

    async def _load(self) -> None:
        # Imports of half a second or more: in a thread, while the loop makes the connection to the broker.
        hardware = self._hardware = await asyncio.to_thread(_load_hardware, self._config)
        from device.media.media import Media

        media = self._media = Media(
            hardware, self._config.media, self._config.runtime_dir, self._clock,
            lambda devices: self._service.happened(DevicesChanged(devices)), lambda: self._service.show(),
        )  # fmt: skip
        now = Moment(self._clock.monotonic(), self._clock.wall())
        session = begin(
            await media.refresh(), now, enrolled=self._signalling is not None,
            clinic=bool(self._standing.config.clinic), locked=self._locked,
        )  # fmt: skip
        self._service = CallService(
            hardware, media, lambda happened: LateEngine(media, self._clock, happened), self._clock, self._sealer.boot,
            session, self._server.show,
        )  # fmt: skip
        self._service.signalling = self._signalling
        self._put_in_force(self._standing)

    # What comes in

    def _pressed(self) -> None:
        self._presses.put(None)

    async def _take_presses(self) -> None:
        while True:
            await self._presses.get()
            self._service.happened(Pressed(new_call_id()))

    def _address_came(self) -> None:
        self._service.happened(AddressCame())

    def _address_gone(self) -> None:
        self._service.happened(AddressGone())
        if self._signalling is not None:
            self._signalling.doubt()

    def _commanded(self, message: Message, reply: Reply) -> None:
        if isinstance(message, Press):
            self._service.happened(Pressed(new_call_id()))
        elif isinstance(message, RunSoundTest):
            self._test_sound(reply)
        elif isinstance(message, ShowWhich):
            if not self._service.show_which(message.seconds):
                reply(Refusal("in_call"))
        elif isinstance(message, FiguresKept):
            self._service.figures_kept(message.call)
        elif isinstance(message, End):
            self._end(message.boot, reply)
        elif not isinstance(message, Simulate):
            reply(Refusal("not_a_command"))
        elif self._hardware.turn is None:
            reply(Refusal("not_simulated"))
        else:
            try:
                self._hardware.turn(message.knob)
            except HardwareError as error:
                _log.warning("not simulated: %s", error)
                reply(Refusal("no_such_knob"))

    def _test_sound(self, reply: Reply) -> None:
        def tell(result: SoundTest | None) -> None:
            reply(Refusal("cut_short") if result is None else SoundTested(result))

        if not self._service.test_sound(tell):
            reply(Refusal("in_call"))

    def _end(self, boot: str, reply: Reply) -> None:
        """End in order, as systemd would have it; whoever is in a call comes first."""
        if boot != self._sealer.boot:
            reply(Refusal("another_run"))
        elif self._service.session.state not in HOME:
            reply(Refusal("in_call"))
        elif self._main is not None and not self._ending:
            _log.info("asked to end, to be started anew")
            self._ending = True  # a second cancellation would cut the orderly end short
            self._main.cancel()

    def _agent_said(self, message: Message) -> None:
        if isinstance(message, AgentView):
            self._trust, self._locked = message.clock, message.locked
            self._screen = message.processes.get("screen") == "running"
            self._put_in_force(Standing(message.config_version, message.config))
            if message.enrolled and self._signalling is None:
                self._enrol_late()
            else:
                self._configured()

    def _agent_gone(self) -> None:
        self._screen = False

    def _put_in_force(self, standing: Standing) -> None:
        config = standing.config
        self._standing = standing
        self._behave()
        self._media.set_sound(config.sound)
        self._media.closer.set_framing(config.framing and self._config.media.framing)
        self._media.closer.set_policy(config.camera)
        set_log_level(config.log_level)
        name = config.station or (self._identity.station if self._identity is not None else "")
        self._service.answer_to(Words(config.language).spoken.identify.format(station=name), config.language)
        self._service.taken(standing.version)

    def _behave(self) -> None:
        """Night comes and goes by itself, where the time is known, and a consent runs out."""
        now = self._local_time()
        self._service.behave(manner_of(self._standing.config, None if self._trust == "unset" else now))
        if self._knows() != self._known:
            self._configured()

    def _local_time(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC).astimezone()

    def _knows(self) -> Configured:
        config = self._standing.config
        now = self._local_time()
        return Configured(
            self._signalling is not None, bool(config.clinic), self._locked,
            answers_itself(config, now, self._trust, screen=self._screen),
            fallback=bool(config.fallback),
            closed=self._trust != "unset" and not is_open(config.opening, now),
        )  # fmt: skip

    def _configured(self) -> None:
        self._known = self._knows()
        self._service.happened(self._known)

    # What goes on by itself

    async def _tell_levels(self) -> None:
        while True:
            await self._clock.sleep(_LEVELS_S)
            levels = self._service.levels() if self._server.watched("levels") else None
            if levels is not None:
                self._server.stream("levels", levels)

    async def _keep_house(self) -> None:
        ticks = 0
        while True:
            await self._clock.sleep(_TICK_S)
            ticks += 1
            if self._service.makes_progress():
                self._watchdog.progress()
            self._service.measure()
            self._behave()
            self._service.show()
            if ticks % _GIVE_BACK_TICKS == 0:
                await asyncio.to_thread(give_back)
            if ticks % _LOOK_AGAIN_TICKS == 0 and self._service.session.state in HOME:
                self._service.look_again()
                self._check_identity()

    def _check_identity(self) -> None:
        if self._signalling is None:
            self._enrol_late()
            return
        present = read_identity(self._config.state_dir)
        if present is not None and present != self._identity:
            raise IdentityReplaced("this station has been enrolled anew")
        if present is None and is_nobody(self._config.state_dir):
            raise IdentityReplaced("this station is nobody any more")
        stamp = certificate_stamp(self._config.state_dir)
        if stamp != self._certificate:  # renewed: nobody is in a call just now, so the connection may be made anew
            self._certificate = stamp
            self._signalling.renew()


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first thing that went wrong; the rest followed from it."""
    first = group.exceptions[0]
    return _cause(first) if isinstance(first, BaseExceptionGroup) else first


def _end_at_once(cause: DevicesStuck) -> NoReturn:
    # An orderly end would wait for the very thread that hangs in the device, and the camera would stay open.
    _log.critical("station-call ends: %s", cause)
    logging.shutdown()
    os._exit(EXIT_FAULT)


def _load_hardware(config: StationConfig) -> Hardware:
    import device.media.media  # noqa: F401
    from device.hardware.factory import make_hardware

    return make_hardware(config)
