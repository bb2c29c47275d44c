"""Whether a press would work: what the station's own processes say, and whether the pages answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from messaging.clock import Clock
from messaging.link.local import LocalClient
from messaging.local import AGENT_SOCKET, CALL_SOCKET, AgentView, CallView, Message
from region.demo.plan import HOST, Places, Ports

_LOOK_S = 0.1


class Readiness:
    """Follows the station. `missing` names, in words, what is not there yet; empty when a press would work."""

    def __init__(self, places: Places, ports: Ports, clock: Clock) -> None:
        self._places = places
        self._ports = ports
        self._clock = clock
        self._call: CallView | None = None
        self._agent: AgentView | None = None
        self.missing: tuple[str, ...] = ("the region",)

    async def wait_for_region(self, within_s: float) -> bool:
        """Wait until the region takes stations; False when the time is over."""
        until = self._clock.monotonic() + within_s
        while not (await answers(self._ports.enrolment) and await answers(self._ports.broker)):
            if self._clock.monotonic() >= until:
                return False
            await self._clock.sleep(_LOOK_S)
        return True

    async def wait(self, within_s: float) -> bool:
        """Wait until nothing is missing; False when the time is over."""
        followers = [
            asyncio.create_task(LocalClient(self._places.runtime / name, self._said, gone, self._clock).run())
            for name, gone in ((CALL_SOCKET, self._call_gone), (AGENT_SOCKET, self._agent_gone))
        ]
        try:
            until = self._clock.monotonic() + within_s
            while await self._look():
                if self._clock.monotonic() >= until:
                    return False
                await self._clock.sleep(_LOOK_S)
            return True
        finally:
            for follower in followers:
                follower.cancel()
            await asyncio.gather(*followers, return_exceptions=True)

    async def _look(self) -> tuple[str, ...]:
        checks: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("the station's agent, enrolled and connected", lambda: agent_ready(self._agent)),
            ("the station's call process, ready for a press", lambda: call_ready(self._call)),
            ("the station's screen", self._places.mirror.exists),
        )
        doors = (("the region", self._ports.web), ("the station's panel", self._ports.panel))
        closed = [name for name, port in doors if not await answers(port)]
        self.missing = (*closed, *(name for name, is_there in checks if not is_there()))
        return self.missing

    def _said(self, message: Message) -> None:
        if isinstance(message, CallView):
            self._call = message
        elif isinstance(message, AgentView):
            self._agent = message

    def _call_gone(self) -> None:
        self._call = None

    def _agent_gone(self) -> None:
        self._agent = None


def agent_ready(view: AgentView | None) -> bool:
    """Enrolled, connected, and told whom to call."""
    return view is not None and view.enrolled and view.link == "up" and bool(view.config.clinic)


def call_ready(view: CallView | None) -> bool:
    """A press would call."""
    return view is not None and view.state == "idle"


async def answers(port: int) -> bool:
    """Whether anybody listens on that port of this machine."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
