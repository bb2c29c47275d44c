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
from typing import TYPE_CHECKING

from device.call.connecting import Connecting
from device.call.errors import DevicesStuck
from device.call.events import (
    CloseMedia,
    Effect,
    Event,
    GiveUp,
    MediaOpened,
    OpenMedia,
    PeerEvent,
    Recheck,
    Refuse,
    Say,
    SoundTestBegins,
    StartTimer,
    StopTimer,
    Which,
)
from device.call.late_engine import LateEngine
from device.call.manner import Manner
from device.call.meter import CallMeter
from device.call.room import Room, Tell
from device.call.session import step
from device.call.state import Moment, Session, view
from device.call.timers import Timers
from messaging.call import Hangup
from messaging.clock import Clock
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
        self._config_version = 0
        self._room = Room(hardware, media, clock, session, self.happened)
        self._connecting = Connecting(self._engine, clock, self.happened, self._refuse)
        self._timers = Timers(clock, self.happened)
        self._meter = CallMeter(self._engine, lambda: media.encoder, clock)
        self._events: deque[Event] = deque()
        self._stepping = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
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
        if manner != self._room.manner:
            self._room.behave(manner)
            self.show()

    def answer_to(self, name: str, language: Language) -> None:
        """What it says, and in which language, when somebody looks for it."""
        self._room.answer_to(name, language)

    def taken(self, config_version: int) -> None:
        """The config of this version is carried out: the agent is told so."""
        if config_version != self._config_version:
            self._config_version = config_version
            self.show()

    def test_sound(self, tell: Tell) -> bool:
        """Begin the acoustic self-test; `tell` gets what came of it, None if a press cut it short. False in a call."""
        if not self._session.testing:
            self.happened(SoundTestBegins())
        if self._session.testing:
            self._room.tell_of_test(tell)
        return self._session.testing

    def show_which(self, seconds: float) -> bool:
        """Light, screen and voice say which station this is; False in a call."""
        before = self._session.identified
        self.happened(Which(seconds))
        return self._session.identified > before

    def show(self) -> None:
        """Tell the view."""
        signalled = sum(self.signalling.refused.values()) if self.signalling else 0
        shown = view(self._session, self._boot, self._room.manner.voice, signalled + self._engine.refused)
        self._on_view(
            replace(
                shown,
                echo=self._media.echo,
                sound_test=self._room.sound_test,
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
        return self._room.levels()

    def look_again(self) -> None:
        """Ask whether the devices are there; what changed comes as DevicesChanged."""
        self._room.look_again()

    def makes_progress(self) -> bool:
        """Whether nothing that was begun is stuck."""
        return max(self._room.busy_s(), self._connecting.busy_s()) < _STUCK_S

    async def run(self) -> None:
        """Carry out until cancelled; DevicesStuck when only the end of the process can close the devices."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._room.run())
            tasks.create_task(self._connecting.run())
            tasks.create_task(self._engine.load())
            await self._failed

    async def stop(self) -> None:
        """End the call in order and close everything; `run` must still be running."""
        call = self._session.running_call
        if call is not None and self.signalling is not None:
            self.signalling.say(call, Hangup("station_restarted"))
        self._timers.stop_all()
        self._hardware.button.close()
        closing = asyncio.gather(self._connecting.close(bye=call is not None), self._room.close())
        try:
            await asyncio.wait_for(closing, _CLOSE_S)
        except TimeoutError:
            _log.error("not everything could be closed in order")
        if self.signalling is not None:
            await self.signalling.stop(_GOODBYE_S)
        self._hardware.light.close()

    def _step(self, event: Event) -> None:
        old = self._session
        self._session, effects = step(old, event, Moment(self._clock.monotonic(), self._clock.wall()))
        new = self._session
        if new.state != old.state:
            _log.info("%s, after %s: %s", old.state, type(event).__name__, _in_words(new))
        self._room.follow(new)
        if new.running_call and (isinstance(event, MediaOpened) or new.devices != old.devices):
            self._engine.tell_media(new.devices.camera == "ok", new.devices.microphone == "ok")
        self._meter.follow(new)
        for effect in effects:
            self._carry_out(effect)
        if self.signalling is not None:
            self.signalling.in_call(new.running_call)
            self.signalling.hurry(new.resuming)
        self.show()

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case OpenMedia():
                self._room.open()
            case CloseMedia():
                self._room.shut()
            case Say(call, message):
                if self.signalling is not None:
                    self.signalling.say(call, message)
            case Refuse(call, code):
                if self.signalling is not None:
                    self.signalling.refuse(call, code)
            case StartTimer():
                self._timers.start(effect)
            case StopTimer(name):
                self._timers.stop(name)
            case Recheck():
                self._room.look_again()
            case GiveUp():
                self._give_up()
            case _:
                self._connecting.carry_out(effect)

    def _refuse(self, code: str) -> None:
        call = self._session.running_call
        if call is not None and self.signalling is not None:
            self.signalling.refuse(call, code)

    def _give_up(self) -> None:
        if not self._failed.done():
            self._failed.set_exception(DevicesStuck("the camera or the microphone does not close"))


def _in_words(session: Session) -> str:
    call = session.running_call
    details = [word for word in (session.reason, session.fault, f"call {call}" if call else None) if word]
    return f"{session.state} ({', '.join(details)})" if details else session.state
