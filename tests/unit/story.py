"""Tell the call session what happens, one event after the other, and look at what it does about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from device.call import events as e
from device.call.session import begin, step
from device.call.state import Moment, Session
from messaging.call import Answer, Candidate, Devices, FromRegion, FromStation, Invite, Ringing

E = TypeVar("E")
OURS, THEIRS, FOREIGN = "0123456789abcdef", "fedcba9876543210", "aaaaaaaaaaaaaaaa"
ALL_OK = Devices()
NOTHING = Devices("missing", "missing", "missing")


@dataclass
class Story:
    """A session in the making. `done` holds every effect so far, `fresh` those of the last event."""

    session: Session = field(
        default_factory=lambda: begin(ALL_OK, Moment(0, 1_800_000_000), enrolled=True, clinic=True)
    )
    mono: float = 100.0
    fresh: tuple[e.Effect, ...] = ()
    done: list[e.Effect] = field(default_factory=list)
    camera_open: bool = False
    timers: dict[str, e.StartTimer] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return self.session.state

    @property
    def generation(self) -> int:
        assert self.session.call is not None
        return self.session.call.generation

    def happens(self, *events: e.Event) -> Story:
        for event in events:
            self.session, self.fresh = step(self.session, event, Moment(self.mono, 1_800_000_000 + self.mono))
            self.done += self.fresh
            for effect in self.fresh:
                self._remember(effect)
        return self

    def _remember(self, effect: e.Effect) -> None:
        if isinstance(effect, e.OpenMedia):
            self.camera_open = True
        elif isinstance(effect, e.CloseMedia):
            self.camera_open = False
        elif isinstance(effect, e.StartTimer):
            self.timers[effect.name] = effect
            self.due[effect.name] = self.mono + effect.seconds
        elif isinstance(effect, e.StopTimer):
            self.timers.pop(effect.name, None)

    def press(self, call: str = OURS) -> Story:
        return self.happens(e.Pressed(call))

    def hear(self, message: FromRegion, call: str | None = None) -> Story:
        if call is None:
            assert self.session.call is not None
            call = self.session.call.id
        return self.happens(e.Heard(call, message))

    def passes(self, seconds: float) -> Story:
        """Time passes; the timers that run out meanwhile fire in their order."""
        until = self.mono + seconds
        while self.timers:
            name = min(self.timers, key=lambda name: self.due[name])
            if self.due[name] > until:
                break
            self.mono = max(self.mono, self.due[name])
            self.happens(e.TimerFired(self.timers.pop(name).token))
        self.mono = until
        return self

    def said(self) -> list[FromStation]:
        """What was said to the region after the last event."""
        return [effect.message for effect in self.fresh if isinstance(effect, e.Say)]

    def all(self, kind: type[E]) -> list[E]:
        """Every effect of a kind so far."""
        return [effect for effect in self.done if isinstance(effect, kind)]

    # The way to each state.

    def idle(self) -> Story:
        return self.happens(e.LinkUp())

    def calling(self) -> Story:
        return self.idle().press().happens(e.MediaOpened(ALL_OK))

    def waiting(self) -> Story:
        """Calling, and the region has said that it rings; our offer is out."""
        return self.calling().hear(Ringing("Doctors Demo")).happens(e.Offered(1, "our offer"))

    def ringing(self) -> Story:
        return self.idle().hear(Invite("Ann Demo", "GP"), THEIRS).happens(e.Offered(1, "our offer"))

    def connecting(self) -> Story:
        return self.waiting().hear(Answer(1, "answer", "Ann Demo", "GP"))

    def in_call(self) -> Story:
        self.connecting().happens(e.PeerConnected(1))
        self.mono += 10  # they have spoken for a while
        return self

    def resuming(self) -> Story:
        return self.in_call().happens(e.PeerLost(1))

    def ending(self) -> Story:
        return self.in_call().press()

    def feedback(self) -> Story:
        return self.ending().happens(e.MediaClosed())

    def offline(self) -> Story:
        return self

    def fault(self) -> Story:
        return self.idle().happens(e.DevicesChanged(NOTHING))


WAYS = {
    "idle": Story.idle, "calling": Story.calling, "ringing": Story.ringing, "connecting": Story.connecting,
    "in_call": Story.in_call, "ending": Story.ending, "feedback": Story.feedback, "fault": Story.fault,
    "offline": Story.offline,
}  # fmt: skip


def candidate(number: int, generation: int = 1) -> Candidate:
    """One of a browser's candidates."""
    return Candidate(generation, f"candidate:{number} 1 udp 1 192.0.2.1 {10_000 + number} typ host", "0", 0)
