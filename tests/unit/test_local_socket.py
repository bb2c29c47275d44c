"""A station's local sockets: everybody sees the newest view, and no client can harm the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from messaging.call import Devices
from messaging.link.local import LocalClient, LocalServer
from messaging.local import CallView, Levels, Message, Press, Refusal, Watch, from_line, to_line
from tests.kits.clock import ManualClock

WAIT_S = 10


def view(state: str = "idle") -> CallView:
    return CallView(state, "boot", 0.0, "ready", Devices())  # type: ignore[arg-type]


class House:
    """A server that answers each press with a refusal, and counts what came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.server = LocalServer(path, self._take)

    def _take(self, message: Message, reply: object) -> None:
        self.heard.put_nowait(message)
        reply(Refusal("not_now"))  # type: ignore[operator]


@asynccontextmanager
async def house(tmp_path: Path) -> AsyncIterator[House]:
    one = House(tmp_path / "s")
    await one.server.start()
    try:
        yield one
    finally:
        await one.server.stop()


async def raw(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(path)


async def line(reader: asyncio.StreamReader) -> Message:
    return from_line(await asyncio.wait_for(reader.readline(), WAIT_S))


async def test_a_newcomer_gets_the_view_and_then_every_change(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        one.server.show(view())
        reader, writer = await raw(one.path)
        assert await line(reader) == view()
        one.server.show(view("calling"))
        one.server.show(view("calling"))  # no news
        one.server.show(view("in_call"))
        assert [await line(reader), await line(reader)] == [view("calling"), view("in_call")]
        writer.close()


async def test_a_command_is_heard_and_answered_to_the_one_who_asked(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        (asker, asking), (_, other) = await raw(one.path), await raw(one.path)
        asking.write(to_line(Press()))
        assert await line(asker) == Refusal("not_now")
        assert await one.heard.get() == Press()
        asking.close()
        other.close()


async def test_streams_go_to_those_who_watch(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        reader, writer = await raw(one.path)
        assert not one.server.watched("levels")
        writer.write(to_line(Watch("levels")) + to_line(Press()))
        await one.heard.get()  # the press came after the watch
        assert one.server.watched("levels")
        assert not one.server.watched("log")
        await line(reader)
        one.server.stream("levels", Levels(-30, -60))
        assert await line(reader) == Levels(-30, -60)
        writer.close()


@pytest.mark.parametrize("noise", [b"\n", b"{}\n", b"hello\n", b'{"type":"reboot"}\n', b"x" * 100_000, b"\xff\n"])
async def test_noise_costs_its_sender_the_connection_and_nobody_else(tmp_path: Path, noise: bytes) -> None:
    async with house(tmp_path) as one:
        one.server.show(view())
        (reader, bad), (good, fine) = await raw(one.path), await raw(one.path)
        await line(reader)
        bad.write(noise)
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        await line(good)
        one.server.show(view("calling"))
        assert await line(good) == view("calling")
        bad.close()
        fine.close()


async def test_a_client_that_never_reads_is_dropped_and_the_others_go_on(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        (_, lazy), (good, fine) = await raw(one.path), await raw(one.path)
        lazy.write(to_line(Watch("levels")) + to_line(Press()))
        await one.heard.get()
        for i in range(20_000):
            one.server.stream("levels", Levels(-30.0, float(-i % 90)))
            if not one.server.watched("levels"):
                break
            await asyncio.sleep(0)
        assert not one.server.watched("levels")
        one.server.show(view())
        assert await line(good) == view()
        lazy.close()
        fine.close()


async def test_a_client_follows_a_server_that_comes_goes_and_comes_back(tmp_path: Path) -> None:
    clock, heard, gone = ManualClock(), asyncio.Queue[Message](), asyncio.Event()
    client = LocalClient(tmp_path / "s", heard.put_nowait, gone.set, clock)
    running = asyncio.create_task(client.run())
    await clock.advance(1)
    assert not client.send(Press())
    for state in ("idle", "calling"):
        async with house(tmp_path) as one:
            one.server.show(view(state))
            await clock.advance(1)
            assert await asyncio.wait_for(heard.get(), WAIT_S) == view(state)
            assert client.send(Press())
            assert await asyncio.wait_for(one.heard.get(), WAIT_S) == Press()
            assert await asyncio.wait_for(heard.get(), WAIT_S) == Refusal("not_now")
        await asyncio.wait_for(gone.wait(), WAIT_S)
        gone.clear()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_server_takes_the_place_of_a_dead_predecessors_socket(tmp_path: Path) -> None:
    first = LocalServer(tmp_path / "s", lambda _message, _reply: None)
    await first.start()
    second = LocalServer(tmp_path / "s", lambda _message, _reply: None)
    await second.start()
    second.show(view())
    reader, writer = await raw(tmp_path / "s")
    assert await line(reader) == view()
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o660
    writer.close()
    await second.stop()
    await first.stop()
    assert not (tmp_path / "s").exists()
