"""What the room sees and hears of the station, and the devices that see and hear the room.

The light and the speaker follow the session; camera and microphone open and close when it says so. What takes time is
done in a lane of its own, one thing after the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from device.call.events import DevicesChanged, Event, MediaClosed, MediaOpened, SoundTestOver
from device.call.lane import Lane, through
from device.call.manner import Manner, Tone, lamp, loudness, tone
from device.call.state import Session, test_wanted
from device.media.errors import MediaError
from messaging.clock import Clock
from messaging.health import SoundTest
from messaging.local import Levels
from messaging.twin import Language

if TYPE_CHECKING:  # heavy: loaded once the connection to the broker is on its way
    from device.hardware.ports import Hardware
    from device.media.media import Media

_log = logging.getLogger(__name__)
Tell = Callable[[SoundTest | None], None]


class Room:
    """The devices of one station. `happened` is told what came of what was begun; `sound_test` is the newest result."""

    def __init__(
        self, hardware: Hardware, media: Media, clock: Clock, session: Session, happened: Callable[[Event], None]
    ) -> None:
        self.manner = Manner()
        self.sound_test: SoundTest | None = None
        self._hardware = hardware
        self._media = media
        self._happened = happened
        self._session = session
        self._shone = lamp(session, self.manner)
        self._sounding = (tone(session, self.manner), loudness(session, self.manner))
        self._name: tuple[str, Language] = ("", "da")
        self._testers: list[Tell] = []
        self._lane = Lane(clock)
        hardware.light.show(*self._shone)
        media.set_volume(self._sounding[1])

    async def run(self) -> None:
        """Work until cancelled."""
        await self._lane.run()

    def busy_s(self) -> float:
        """For how long it has been at the present piece of work."""
        return self._lane.busy_s()

    async def close(self) -> None:
        """Close camera and microphone after all that is under way, and wait for it; `run` must still be running."""
        await through(self._lane.add, self._media.close)

    def follow(self, session: Session) -> None:
        """How the call stands, before anything of it is carried out: the light is on when the camera opens."""
        old, self._session = self._session, session
        self._shine_and_sound()
        if test_wanted(old) and not test_wanted(session):
            self._media.stop_test()
        elif session.testing and not old.testing:
            self._lane.add(self._test_sound)

    def behave(self, manner: Manner) -> None:
        """How loud and how bright the station is, from now on."""
        self.manner = manner
        self._shine_and_sound()

    def answer_to(self, name: str, language: Language) -> None:
        """What it says, and in which language, when somebody looks for it."""
        self._name = (name, language)

    def tell_of_test(self, tell: Tell) -> None:
        """What comes of the acoustic self-test under way; None if a press cut it short."""
        self._testers.append(tell)

    def levels(self) -> Levels | None:
        """What the open devices hear and play; None while they are closed."""
        return self._media.levels() if self._session.media_open else None

    def open(self) -> None:
        """Open camera and microphone; told by MediaOpened."""
        self._lane.add(self._open)

    def shut(self) -> None:
        """Close them again; told by MediaClosed."""
        self._lane.add(self._shut)

    def look_again(self) -> None:
        """Ask whether the devices are there; what changed comes as DevicesChanged."""
        if not self._session.media_open and self._lane.busy_s() == 0:
            self._lane.add(self._refresh)

    def _shine_and_sound(self) -> None:
        shine = lamp(self._session, self.manner)
        if shine != self._shone:
            self._shone = shine
            self._hardware.light.show(*shine)
        before = self._sounding
        self._sounding = (tone(self._session, self.manner), loudness(self._session, self.manner))
        if before != self._sounding:
            self._lane.add(partial(self._sound, before[0], *self._sounding))

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
        self._happened(MediaOpened(await self._media.open()))

    async def _shut(self) -> None:
        await self._media.close()
        self._happened(MediaClosed())

    async def _refresh(self) -> None:
        self._happened(DevicesChanged(await self._media.refresh()))

    async def _test_sound(self) -> None:
        # A call may have begun between the asking and now.
        result = await self._media.test_sound() if test_wanted(self._session) else None
        self.sound_test = result or self.sound_test
        self._happened(SoundTestOver())
        for tell in self._testers:
            tell(result)
        self._testers.clear()
