"""The screen tells the agent which run of it is alive, and ends when that very run is asked to."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kiosk_ui.screen.sockets import Sockets
from messaging.clock import SystemClock
from messaging.link.local import LocalServer, Reply
from messaging.local import AGENT_SOCKET, End, Message, ScreenAlive


async def test_only_the_run_that_is_meant_ends(tmp_path: Path) -> None:
    alive: list[ScreenAlive] = []
    ends: list[int] = []
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        ends.append(len(alive))
        ended.set()

    def heard(message: Message, reply: Reply) -> None:
        assert isinstance(message, ScreenAlive)
        alive.append(message)
        reply(End(message.boot if len(alive) == 4 else "another run"))

    server = LocalServer(tmp_path / AGENT_SOCKET, heard)
    await server.start()
    sockets = Sockets(tmp_path, lambda _view: None, lambda: loop.call_soon_threadsafe(end) and None, SystemClock())
    sockets.start()
    try:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            over, frames = group.create_task(ended.wait()), 0
            while not ended.is_set():
                frames += 1
                sockets.alive(frames)
                await asyncio.wait([over], timeout=0.05)
    finally:
        await asyncio.to_thread(sockets.stop)
        await server.stop()
    assert len(ends) == 1
    assert ends[0] >= 4
    told = [message.frames for message in alive]
    assert told == sorted(set(told))
    assert len({message.boot for message in alive}) == 1
    assert alive[0].boot
