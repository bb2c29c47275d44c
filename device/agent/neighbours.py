"""The station's other processes, as the agent sees them: station-call by its socket, the screen by what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

from device.health import processes
from device.health.processes import Gone, Happened, Sighting, Tick, Watched
from messaging.call import Devices
from messaging.clock import Clock
from messaging.health import Echo, ProcessState, SoundTest
from messaging.local import CallView, Message
from messaging.quality import CallQuality

PARTS = frozenset(field.name for field in fields(Devices))


@dataclass(frozen=True)
class DeviceHappened:
    """A device is there and fails again and again, or does so no longer."""

    kind: Literal["device_fault", "device_mended"]
    part: str


class Neighbours:
    """Turns messages into the process table and the devices. `on_happened` hears what the region should know."""

    def __init__(self, clock: Clock, on_happened: Callable[[Happened | DeviceHappened], None]) -> None:
        self._clock = clock
        self._on_happened = on_happened
        self._processes = processes.begin(clock.monotonic())
        self.call: CallView | None = None  # what station-call said last; None while it is away
        self.devices: Devices | None = None  # likewise
        self.echo: Echo | None = None
        self.sound_test: SoundTest | None = None  # of this run of station-call
        self.ended: tuple[CallQuality, ...] = ()  # calls whose figures station-call holds until we have them
        self._broken: frozenset[str] = frozenset()
        self._run = ""
        self._refused = self._refused_before = 0  # by this run of station-call, and by those before it

    @property
    def states(self) -> dict[str, ProcessState]:
        """Of every process."""
        return processes.states(self._processes)

    @property
    def refused_messages(self) -> int:
        """What station-call refused since this agent began to listen to it, over all its runs."""
        return self._refused_before + self._refused

    def on_call(self, message: Message) -> None:
        """station-call said something."""
        if isinstance(message, CallView):
            if message.boot != self._run:
                self._run, self._refused_before, self._refused = message.boot, self.refused_messages, 0
                self._broken = frozenset()  # a new run knows of no failures: that is not to say they are mended
            self._refused = message.refused_messages
            self.call = message
            self.devices = message.devices
            self._tell_broken(PARTS & set(message.broken))
            self.ended = message.ended
            self.echo, self.sound_test = message.echo, message.sound_test
            self._step(Sighting("call", self._clock.monotonic(), message.boot))

    def _tell_broken(self, broken: frozenset[str]) -> None:
        for part in sorted(broken - self._broken):
            self._on_happened(DeviceHappened("device_fault", part))
        for part in sorted(self._broken - broken):
            self._on_happened(DeviceHappened("device_mended", part))
        self._broken = broken

    def on_call_gone(self) -> None:
        """station-call's socket has ended."""
        self.call = self.devices = self.echo = None
        self._step(Gone("call", self._clock.monotonic()))

    def on_screen(self, boot: str) -> None:
        """This run of the screen said that it draws."""
        self._step(Sighting("screen", self._clock.monotonic(), boot))

    def run(self, process: Watched) -> str:
        """The name of the newest run of a process, '' while none has been seen."""
        return self._processes[process].run

    def tick(self) -> None:
        """A second has passed."""
        self._step(Tick(self._clock.monotonic()))

    def _step(self, event: processes.Event) -> None:
        self._processes, happened = processes.step(self._processes, event)
        for one in happened:
            self._on_happened(one)
