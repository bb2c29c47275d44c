"""What the console and the panel know of their station: both processes followed over their sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from messaging.clock import Clock
from messaging.link.local import LocalClient, Stream
from messaging.local import (
    AGENT_SOCKET,
    CALL_SOCKET,
    AgentView,
    CallView,
    Levels,
    LogLine,
    Message,
    Press,
    Refusal,
    Simulate,
    Watch,
)
from messaging.twin import Language

_QUIET = frozenset({"idle", "feedback", "fault", "offline"})  # no device is open, so no level is news


def _ignore(_message: Message) -> None:
    pass


class Station:
    """Follows station-call and station-agent; `call`, `agent` and `levels` are None while they cannot be heard.

    `on_change` is told after each change of those three, `on_log` each line of either log and `on_refusal` each command
    that was not carried out. Nothing is asked of the processes but the streams in `watch`.
    """

    def __init__(
        self,
        runtime_dir: Path,
        clock: Clock,
        *,
        watch: tuple[Stream, ...] = (),
        on_change: Callable[[], None] = lambda: None,
        on_log: Callable[[LogLine], None] = _ignore,
        on_refusal: Callable[[Refusal], None] = _ignore,
    ) -> None:
        self.call: CallView | None = None
        self.agent: AgentView | None = None
        self.levels: Levels | None = None
        self._watch = watch
        self._on_change = on_change
        self._on_log = on_log
        self._on_refusal = on_refusal
        self._call_client = LocalClient(runtime_dir / CALL_SOCKET, self._call_said, self._call_gone, clock)
        self._agent_client = LocalClient(runtime_dir / AGENT_SOCKET, self._agent_said, self._agent_gone, clock)

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._call_client.run())
            group.create_task(self._agent_client.run())

    def press(self) -> bool:
        """Press the button; False when station-call is away, and then nothing is queued."""
        return self._call_client.send(Press())

    def simulate(self, knob: str) -> bool:
        """Turn a knob of the simulated hardware; False when station-call is away."""
        return self._call_client.send(Simulate(knob))

    def language(self, fallback: Language) -> Language:
        """The station's own language, once station-agent has told it."""
        return self.agent.config.language if self.agent is not None else fallback

    def _call_said(self, message: Message) -> None:
        match message:
            case CallView():
                if self.call is None:
                    self._begin(self._call_client, self._watch)
                self.call = message
                if message.state in _QUIET:
                    self.levels = None
            case Levels():
                self.levels = message
            case _:
                self._said(message)
                return
        self._on_change()

    def _agent_said(self, message: Message) -> None:
        if not isinstance(message, AgentView):
            self._said(message)
            return
        if self.agent is None and "log" in self._watch:
            self._begin(self._agent_client, ("log",))
        self.agent = message
        self._on_change()

    def _said(self, message: Message) -> None:
        if isinstance(message, LogLine):
            self._on_log(message)
        elif isinstance(message, Refusal):
            self._on_refusal(message)

    def _begin(self, client: LocalClient, streams: tuple[Stream, ...]) -> None:
        # A server's first word is its view: hearing it means that this connection is new.
        for stream in streams:
            client.send(Watch(stream))

    def _call_gone(self) -> None:
        self.call = self.levels = None
        self._on_change()

    def _agent_gone(self) -> None:
        self.agent = None
        self._on_change()
