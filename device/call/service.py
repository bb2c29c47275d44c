"""The thin shell around the session: it brings events to the table and carries out what the table decides.

Nothing here waits: what takes time is done in lanes (one for the devices, one for the peer connection), so that a press
is always taken at once, and ends what is under way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, assert_never

from device.call.errors import DevicesStuck
from device.call.events import (
    AddCandidate,
    ApplyAnswer,
    CloseMedia,
    ClosePeer,
    DevicesChanged,
    DropPeer,
    Effect,
    Event,
    GiveUp,
    KeepPeer,
    MediaClosed,
    MediaOpened,
    Offered,
    OpenGate,
    OpenMedia,
    PeerEvent,
    PeerFailed,
    PreparePeer,
    Recheck,
    Refuse,
    Say,
    SoundTestBegins,
    SoundTestOver,
    StartTimer,
    StopTimer,
    TimerFired,
    TimerName,
    Unusable,
    Which,
)
from device.call.lane import Lane, Work
from device.call.late_engine import LateEngine
from device.call.manner import Manner, Tone, lamp, loudness, tone
from device.call.meter import CallMeter
from device.call.session import step
from device.call.state import Moment, Session, test_wanted, view
from device.media.errors import BadDescription, MediaError
from messaging.call import Hangup
from messaging.clock import Clock
from messaging.health import SoundTest
from messaging.local import CallView, Levels
from messaging.twin import Language

if TYPE_CHECKING:  # heavy: loaded once the connection to the broker is on its way
    from device.call.signalling import Signalling
    from device.hardware.ports import Hardware
    from device.media.media import Media

_log = logging.getLogger(__name__)
_STUCK_S = 20.0  # no piece of work takes so long: gathering candidates and opening devices are bounded below it
_GOODBYE_S = 1.0
_CLOSE_S = 3.0

MakeEngine = Callable[[Callable[[PeerEvent], None]], LateEngine]


class CallService:
    """One station's calls. `on_view` is told the view after everything that happens."""

    def __init__(
        self, hardware: Hardware, media: Media, make_engine: MakeEngine, clock: Clock, boot: str, session: Session,
        on_view: Callable[[CallView], None],
    ) -> None:  # fmt: skip
        self.signalling: Signalling | None = None
        self._hardware = hardware
        self._media = media
        self._engine = make_engine(self.happened)
        self._clock = clock
        self._boot = boot
        self._session = session
        self._on_view = on_view
        self._manner = Manner()
        self._shone = lamp(session, self._manner)
        self._sounding = (tone(session, self._manner), loudness(session, self._manner))
        self._name: tuple[str, Language] = ("", "da")
        self._config_version = 0
        self._sound_test: SoundTest | None = None
        self._testers: list[Callable[[SoundTest | None], None]] = []
        self._meter = CallMeter(self._engine, lambda: media.encoder, clock)
        self._devices_lane = Lane(clock)
        self._peer_lane = Lane(clock)
        self._timers: dict[TimerName, asyncio.Task[None]] = {}
        self._events: deque[Event] = deque()
        self._stepping = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        hardware.light.show(*self._shone)
        media.set_volume(self._sounding[1])
        self.show()

    @property
    def session(self) -> Session:
        """How it stands."""
        return self._session

    def happened(self, event: Event) -> None:
        """Something happened: decide, and begin to do what follows. On the loop only."""
        self._events.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._events:
                self._step(self._events.popleft())
        finally:
            self._stepping = False

    def behave(self, manner: Manner) -> None:
        """How loud and how bright the station is, from now on."""
        if manner != self._manner:
            self._manner = manner
            self._shine_and_sound()
            self.show()

    def answer_to(self, name: str, language: Language) -> None:
        """What it says, and in which language, when somebody looks for it."""
        self._name = (name, language)

    def taken(self, config_version: int) -> None:
        """The config of this version is carried out: the agent is told so."""
        if config_version != self._config_version:
            self._config_version = config_version
            self.show()

    def test_sound(self, tell: Callable[[SoundTest | None], None]) -> bool:
        """Begin the acoustic self-test; `tell` gets what came of it, None if a press cut it short. False in a call."""
        if not self._session.testing:
            self.happened(SoundTestBegins())
        if self._session.testing:
            self._testers.append(tell)
        return self._session.testing

    def show_which(self, seconds: float) -> bool:
        """Light, screen and voice say which station this is; False in a call."""
        before = self._session.identified
        self.happened(Which(seconds))
        return self._session.identified > before

    def show(self) -> None:
        """Tell the view."""
        signalled = sum(self.signalling.refused.values()) if self.signalling else 0
        shown = view(self._session, self._boot, self._manner.voice, signalled + self._engine.refused)
        self._on_view(
            replace(
                shown,
                echo=self._media.echo,
                sound_test=self._sound_test,
                broken=self._media.broken(),
                looking=self._media.closer.looking,
                lens=self._media.closer.lens,
                encoder=self._media.encoder,
                ended=self._meter.finished,
                config_version=self._config_version,
            )
        )

    def measure(self) -> None:
        """A second has passed: look what the call is like."""
        self._meter.look()

    def figures_kept(self, call: str) -> None:
        """The agent has what that call was like on its disk."""
        self._meter.kept(call)
        self.show()

    def levels(self) -> Levels | None:
        """What the open devices hear and play; None while they are closed."""
        return self._media.levels() if self._session.media_open else None

    def look_again(self) -> None:
        """Ask whether the devices are there; what changed comes as DevicesChanged."""
        if not self._session.media_open and self._devices_lane.busy_s() == 0:
            self._devices_lane.add(self._refresh)

    def makes_progress(self) -> bool:
        """Whether nothing that was begun is stuck."""
        return max(self._devices_lane.busy_s(), self._peer_lane.busy_s()) < _STUCK_S

    async def run(self) -> None:
        """Carry out until cancelled; DevicesStuck when only the end of the process can close the devices."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._devices_lane.run())
            tasks.create_task(self._peer_lane.run())
            tasks.create_task(self._engine.load())
            await self._failed

    async def stop(self) -> None:
        """End the call in order and close everything; `run` must still be running."""
        call = self._session.running_call
        if call is not None and self.signalling is not None:
            self.signalling.say(call, Hangup("station_restarted"))
        for task in self._timers.values():
            task.cancel()
        self._hardware.button.close()
        closing = (
            self._finish(self._peer_lane.instead, partial(self._engine.close, bye=call is not None)),
            self._finish(self._devices_lane.add, self._media.close),
        )
        try:
            await asyncio.wait_for(asyncio.gather(*closing), _CLOSE_S)
        except TimeoutError:
            _log.error("not everything could be closed in order")
        if self.signalling is not None:
            await self.signalling.stop(_GOODBYE_S)
        self._hardware.light.close()

    @staticmethod
    async def _finish(add: Callable[[Work], None], work: Work) -> None:
        done = asyncio.Event()

        async def do() -> None:
            await work()
            done.set()

        add(do)
        await done.wait()

    def _step(self, event: Event) -> None:
        old = self._session
        self._session, effects = step(old, event, Moment(self._clock.monotonic(), self._clock.wall()))
        new = self._session
        if new.state != old.state:
            _log.info("%s, after %s: %s", old.state, type(event).__name__, _in_words(new))
        self._show_on_hardware(old, new)
        if new.running_call and (isinstance(event, MediaOpened) or new.devices != old.devices):
            self._engine.tell_media(new.devices.camera == "ok", new.devices.microphone == "ok")
        self._meter.follow(new)
        for effect in effects:
            self._carry_out(effect)
        if self.signalling is not None:
            self.signalling.in_call(new.running_call)
            self.signalling.hurry(new.resuming)
        self.show()

    def _show_on_hardware(self, old: Session, new: Session) -> None:
        # Before any effect: the light is on when the camera opens.
        self._shine_and_sound()
        if test_wanted(old) and not test_wanted(new):
            self._media.stop_test()
        elif new.testing and not old.testing:
            self._devices_lane.add(self._test_sound)

    def _shine_and_sound(self) -> None:
        shine = lamp(self._session, self._manner)
        if shine != self._shone:
            self._shone = shine
            self._hardware.light.show(*shine)
        before = self._sounding
        self._sounding = (tone(self._session, self._manner), loudness(self._session, self._manner))
        if before != self._sounding:
            self._devices_lane.add(partial(self._sound, before[0], *self._sounding))

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case OpenMedia():
                self._devices_lane.add(self._open)
            case CloseMedia():
                self._devices_lane.add(self._close)
            case PreparePeer():
                self._peer_lane.add(partial(self._prepare, effect))
            case KeepPeer(generation):
                self._engine.keep(generation)
            case DropPeer(generation):
                self._peer_lane.instead(partial(self._engine.drop, generation))
            case ApplyAnswer():
                self._peer_lane.add(partial(self._answer, effect))
            case AddCandidate():
                self._peer_lane.add(partial(self._candidate, effect))
            case OpenGate():
                self._peer_lane.add(self._open_gate)
            case ClosePeer(bye):
                self._peer_lane.instead(partial(self._engine.close, bye))
            case Say(call, message):
                if self.signalling is not None:
                    self.signalling.say(call, message)
            case Refuse(call, code):
                if self.signalling is not None:
                    self.signalling.refuse(call, code)
            case StartTimer():
                self._start_timer(effect)
            case StopTimer(name):
                self._stop_timer(name)
            case Recheck():
                self.look_again()
            case GiveUp():
                self._give_up()
            case _:
                assert_never(effect)

    # Devices

    async def _sound(self, before: Tone, wanted: Tone, percent: int) -> None:
        # What was a quiet ring is not loud for a moment when a voice comes.
        if before != wanted and wanted == "none":
            await self._media.play(wanted)
        self._media.set_volume(percent)
        if before != wanted and wanted != "none":
            await self._media.play(wanted)
        if before != wanted == "identify":
            await self._say_name()

    async def _say_name(self) -> None:
        from device.media.spoken import speak

        try:
            words = await asyncio.to_thread(speak, *self._name)
        except MediaError as error:
            _log.warning("the station says no name, and sounds its chime alone: %s", error)
        else:
            await self._media.play("identify", words)

    async def _open(self) -> None:
        self.happened(MediaOpened(await self._media.open()))

    async def _close(self) -> None:
        await self._media.close()
        self.happened(MediaClosed())

    async def _refresh(self) -> None:
        self.happened(DevicesChanged(await self._media.refresh()))

    async def _test_sound(self) -> None:
        # A call may have begun between the asking and now.
        result = await self._media.test_sound() if test_wanted(self._session) else None
        self._sound_test = result or self._sound_test
        self.happened(SoundTestOver())
        for tell in self._testers:
            tell(result)
        self._testers.clear()

    def _give_up(self) -> None:
        if not self._failed.done():
            self._failed.set_exception(DevicesStuck("the camera or the microphone does not close"))

    # The peer connection

    async def _prepare(self, effect: PreparePeer) -> None:
        try:
            sdp = await self._engine.prepare(
                effect.generation, effect.ice_servers, effect.relay_only, beside=effect.beside
            )
        except MediaError as error:
            self.happened(PeerFailed(effect.generation, str(error)))
        else:
            self.happened(Offered(effect.generation, sdp))

    async def _answer(self, effect: ApplyAnswer) -> None:
        try:
            await self._engine.answer(effect.generation, effect.sdp)
        except BadDescription as error:
            _log.warning("the answer cannot be used: %s", error)
            self.happened(Unusable(effect.generation))
        except MediaError as error:
            self.happened(PeerFailed(effect.generation, str(error)))

    async def _candidate(self, effect: AddCandidate) -> None:
        try:
            await self._engine.candidate(effect.generation, effect.candidate, effect.mid, effect.line)
        except BadDescription as error:
            call = self._session.running_call
            if call is not None and self.signalling is not None:
                self.signalling.refuse(call, error.code)

    async def _open_gate(self) -> None:
        self._engine.open()

    # Time

    def _start_timer(self, timer: StartTimer) -> None:
        self._stop_timer(timer.name)
        self._timers[timer.name] = asyncio.create_task(self._wait(timer), name=f"call timer {timer.name}")

    def _stop_timer(self, name: TimerName) -> None:
        task = self._timers.pop(name, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def _wait(self, timer: StartTimer) -> None:
        await self._clock.sleep(timer.seconds)
        self.happened(TimerFired(timer.token))


def _in_words(session: Session) -> str:
    call = session.running_call
    details = [word for word in (session.reason, session.fault, f"call {call}" if call else None) if word]
    return f"{session.state} ({', '.join(details)})" if details else session.state
