"""How a command ends a process of the station, this one among them; systemd starts each anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device.agent.neighbours import Neighbours
from messaging.link.local import Reply
from messaging.local import End, Message, ScreenAlive


class Ending:
    """`to_call` reaches station-call; the screen is asked in answer to its next sign of life."""

    def __init__(self, neighbours: Neighbours, to_call: Callable[[Message], bool]) -> None:
        self._neighbours = neighbours
        self._to_call = to_call
        self._agent: asyncio.Task[None] | None = None
        self._screen_run = ""

    def begin(self) -> None:
        """The task that calls this is the agent."""
        self._agent = asyncio.current_task()

    def agent(self) -> None:
        """In order, once."""
        if self._agent is not None and not self._agent.cancelling():
            self._agent.cancel()

    def screen(self, run: str) -> bool:
        """This run of it; False if it is away."""
        self._screen_run = run
        return self._neighbours.states["screen"] == "running"

    def machine(self) -> None:
        """A simulated machine starts anew: so do its processes."""
        self._to_call(End(self._neighbours.run("call")))
        self.agent()

    def screen_is_alive(self, message: ScreenAlive, reply: Reply) -> None:
        """The screen gave a sign of life."""
        if self._screen_run and self._screen_run == message.boot:
            reply(End(self._screen_run))
            self._screen_run = ""
