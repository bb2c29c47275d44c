"""Carries out what the session decides about the peer connection.

One thing after the other, in a lane of its own: gathering candidates takes seconds, and a press ends it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import assert_never

from device.call.events import (
    AddCandidate,
    ApplyAnswer,
    ClosePeer,
    DropPeer,
    Event,
    KeepPeer,
    Offered,
    OpenGate,
    PeerEffect,
    PeerFailed,
    PreparePeer,
    Unusable,
)
from device.call.lane import Lane, through
from device.call.late_engine import LateEngine
from device.media.errors import BadDescription, MediaError
from messaging.clock import Clock

_log = logging.getLogger(__name__)


class Connecting:
    """`happened` is told what came of it, `refuse` the code of a candidate that cannot be taken."""

    def __init__(
        self, engine: LateEngine, clock: Clock, happened: Callable[[Event], None], refuse: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._happened = happened
        self._refuse = refuse
        self._lane = Lane(clock)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._lane.run()

    def busy_s(self) -> float:
        """For how long it has been at the present piece of work."""
        return self._lane.busy_s()

    async def close(self, *, bye: bool) -> None:
        """Close it in place of all that was to be done, and wait until it is closed; `run` must still be running."""
        await through(self._lane.instead, partial(self._engine.close, bye=bye))

    def carry_out(self, effect: PeerEffect) -> None:
        """Begin to do it."""
        match effect:
            case PreparePeer():
                self._lane.add(partial(self._prepare, effect))
            case KeepPeer(generation):
                self._engine.keep(generation)
            case DropPeer(generation):
                self._lane.instead(partial(self._engine.drop, generation))
            case ApplyAnswer():
                self._lane.add(partial(self._answer, effect))
            case AddCandidate():
                self._lane.add(partial(self._candidate, effect))
            case OpenGate():
                self._lane.add(self._open_gate)
            case ClosePeer(bye):
                self._lane.instead(partial(self._engine.close, bye))
            case _:
                assert_never(effect)

    async def _prepare(self, effect: PreparePeer) -> None:
        try:
            sdp = await self._engine.prepare(
                effect.generation, effect.ice_servers, effect.relay_only, beside=effect.beside
            )
        except MediaError as error:
            self._happened(PeerFailed(effect.generation, str(error)))
        else:
            self._happened(Offered(effect.generation, sdp))

    async def _answer(self, effect: ApplyAnswer) -> None:
        try:
            await self._engine.answer(effect.generation, effect.sdp)
        except BadDescription as error:
            _log.warning("the answer cannot be used: %s", error)
            self._happened(Unusable(effect.generation))
        except MediaError as error:
            self._happened(PeerFailed(effect.generation, str(error)))

    async def _candidate(self, effect: AddCandidate) -> None:
        try:
            await self._engine.candidate(effect.generation, effect.candidate, effect.mid, effect.line)
        except BadDescription as error:
            self._refuse(error.code)

    async def _open_gate(self) -> None:
        self._engine.open()
