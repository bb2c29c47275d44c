"""What a link has opened it closes, whatever it met: a station tries for years, and a region ends in order."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from messaging.clock import SystemClock
from messaging.link.mqtt import MqttLink, MqttSettings, knock
from messaging.link.port import Down, LinkDown
from tests.kits.eventually import eventually
from tests.kits.servers.broker import Authority

HOST, STATION = "127.0.0.1", "st-aaaaaaaa"


class Door:
    """A port where something listens that is no broker, or not yet."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self._own, self._theirs = authority.issue("broker"), authority.issue(STATION)
        self._ca = authority.ca
        self._listening = socket.create_server((HOST, 0))

    @property
    def settings(self) -> MqttSettings:
        port = self._listening.getsockname()[1]
        return MqttSettings(HOST, port, STATION, self._ca, self._theirs.certificate, self._theirs.key)

    async def knocked(self) -> socket.socket:
        """The next that comes."""
        return (await asyncio.to_thread(self._listening.accept))[0]

    def let_in(self, raw: socket.socket) -> bytes:
        """Greet it as a broker does; all that it says until it goes."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self._ca))
        context.load_cert_chain(self._own.certificate, self._own.key)
        with context.wrap_socket(raw, server_side=True) as theirs:
            theirs.settimeout(10)
            said = b""
            while more := theirs.recv(4096):
                said += more
            return said

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = Door(tmp_path)
    yield door
    door.close()


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """What is thrown away open, Python tells."""
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [str(one.message) for one in told if one.category is ResourceWarning] == []


async def test_a_broker_that_goes_in_the_middle_of_the_greeting_leaves_nothing_open(door: Door) -> None:
    link = MqttLink(door.settings, (), None, SystemClock())
    events = link.events()
    await link.start()
    for _ in range(2):
        (await door.knocked()).close()
        assert isinstance(await asyncio.wait_for(anext(events), 10), Down)
    await link.stop()


async def test_one_that_knocks_at_such_a_broker_leaves_nothing_open(door: Door) -> None:
    knocking = asyncio.create_task(knock(door.settings))
    (await door.knocked()).close()
    with pytest.raises(LinkDown):
        await knocking


async def test_a_link_that_is_stopped_while_it_connects_is_not_let_in_afterwards(door: Door) -> None:
    link = MqttLink(door.settings, (), None, SystemClock())
    await link.start()
    raw = await door.knocked()
    await link.stop()
    said = await asyncio.to_thread(door.let_in, raw)
    assert said.endswith(b"\xe0\x00"), "DISCONNECT: MQTT 5.0, 3.14"


async def test_a_link_that_is_stopped_while_it_closes_has_closed_when_that_returns(door: Door) -> None:
    link = MqttLink(door.settings, (), None, SystemClock())
    await link.start()
    closed = asyncio.Event()
    (await door.knocked()).close()
    session = link._connection
    assert session is not None
    close = session.close

    async def slowly() -> None:
        await asyncio.sleep(0)
        closing.set()
        await close()
        closed.set()

    closing = asyncio.Event()
    session.close = slowly  # type: ignore[method-assign]
    await asyncio.wait_for(closing.wait(), 10)
    await link.stop()
    assert closed.is_set()


def _open() -> int:
    """How many files and sockets this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_link_that_was_stopped_holds_no_socket_until_python_looks_for_garbage(door: Door) -> None:
    """A station connects anew for years, and each time it held two more."""
    gc.disable()
    try:
        before = _open()
        link = MqttLink(door.settings, (), None, SystemClock())
        await link.start()
        raw = await door.knocked()
        greeted = asyncio.create_task(asyncio.to_thread(door.let_in, raw))
        connection = link._connection
        assert connection is not None
        await eventually(lambda: connection.client._thread is not None)
        await link.stop()
        assert (await greeted).endswith(b"\xe0\x00"), "DISCONNECT: MQTT 5.0, 3.14"
        assert _open() == before
    finally:
        gc.enable()
