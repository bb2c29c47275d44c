"""The two sockets, followed in a thread of their own, so that drawing never waits for a process that is gone.

The agent may ask this run of the screen to end in order; systemd starts it anew.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from messaging.clock import Clock
from messaging.link.local import LocalClient
from messaging.local import AGENT_SOCKET, CALL_SOCKET, AgentView, CallView, End, Message, ScreenAlive

Take = Callable[[CallView | AgentView | None], None]


class Sockets:
    """Follows both sockets. Its thread calls `take`: a view, or None when station-call went; and `end`."""

    def __init__(self, runtime_dir: Path, take: Take, end: Callable[[], None], clock: Clock) -> None:
        self._take = take
        self._end = end
        self._boot = secrets.token_hex(8)
        self._call = LocalClient(runtime_dir / CALL_SOCKET, self._said, lambda: take(None), clock)
        self._agent = LocalClient(runtime_dir / AGENT_SOCKET, self._said, lambda: None, clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sockets", daemon=True)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow."""
        self._task = self._loop.create_task(self._follow())
        self._thread.start()

    def stop(self) -> None:
        """Let go of both sockets and wait for the thread."""
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join()
            self._task = None

    def alive(self, frames: int) -> None:
        """Tell station-agent that the screen draws; `frames` since the start."""
        self._loop.call_soon_threadsafe(self._agent.send, ScreenAlive(frames, self._boot))

    def _run(self) -> None:
        assert self._task is not None  # noqa: S101 - start() made it
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(asyncio.wait([self._task]))
        finally:
            self._loop.close()

    async def _follow(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._call.run())
            group.create_task(self._agent.run())

    def _said(self, message: Message) -> None:
        if isinstance(message, CallView | AgentView):
            self._take(message)
        elif isinstance(message, End) and message.boot == self._boot:
            self._end()
