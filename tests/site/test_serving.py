"""The region's HTTP servers below any page: what they speak, and whom they do not wait for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from uvicorn.server import ServerState

from messaging.clock import SystemClock
from provisioning.authority.vault import open_authority
from region.doors.http import http_server
from region.doors.punctual import PunctualProtocol

HEAD = b"POST /there HTTP/1.1\r\nHost: region\r\nContent-Length: 4\r\n\r\n"


class Loop:
    """The loop, with a clock that passes at once when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[asyncio.TimerHandle, Callable[..., object], tuple[object, ...]]] = []

    def call_later(self, delay: float, act: Callable[..., object], *args: object) -> asyncio.TimerHandle:
        handle = asyncio.get_running_loop().call_later(3600 + delay, act, *args)
        self.waiting.append((handle, act, args))
        return handle

    def create_task(self, work: Any) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work)

    def pass_time(self) -> None:
        waiting, self.waiting = self.waiting, []
        for handle, act, args in waiting:
            if not handle.cancelled():
                handle.cancel()
                act(*args)


class Line(asyncio.Transport):
    """One end of a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_cut = False

    def write(self, data: Any) -> None:
        self.written += data

    def abort(self) -> None:
        self.is_cut = True

    close = abort

    def is_closing(self) -> bool:
        return self.is_cut

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


async def _answer_at_the_end(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[..., Any]) -> None:
    while (await receive()).get("more_body"):
        continue
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


class Caller:
    """Somebody who is connected to a server of ours."""

    def __init__(self, app: Any) -> None:
        self.loop, self.line = Loop(), Line()
        config = http_server(app).config
        config.load()
        self.protocol = PunctualProtocol(config, ServerState(), {}, self.loop)  # type: ignore[arg-type]
        self.protocol.connection_made(self.line)

    async def says(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.protocol.data_received(piece)
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "said",
    [
        (), (HEAD[:1],), (HEAD[:30], HEAD[30:40]), (HEAD,), (HEAD, b"abc"),
        (HEAD + b"abcd" + HEAD[:30],), (HEAD + b"abcd" + HEAD + b"a",), (HEAD + b"abcd", HEAD),
    ],
)  # fmt: skip
async def test_whoever_does_not_end_a_request_loses_the_connection(said: tuple[bytes, ...]) -> None:
    caller = Caller(_answer_at_the_end)
    await caller.says(*said)
    assert not caller.line.is_cut
    caller.loop.pass_time()
    assert caller.line.is_cut


async def test_an_answer_that_goes_on_and_on_is_not_cut_off() -> None:
    async def stream(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[..., Any]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"news", "more_body": True})
        await receive()
        await receive()

    caller = Caller(stream)
    await caller.says(HEAD, b"ab", b"cd")
    caller.loop.pass_time()
    assert b"news" in caller.line.written
    assert not caller.line.is_cut
    caller.protocol.connection_lost(None)
    await caller.says()


async def test_one_that_is_asked_again_waits_for_the_whole_of_that() -> None:
    caller = Caller(_answer_at_the_end)
    await caller.says(HEAD, b"abcd", HEAD, b"ab")
    await caller.says(b"cd")
    assert caller.line.written.count(b"200 OK") == 2
    assert not caller.line.is_cut


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ssl.SSLContext]:
    authority = open_authority(tmp_path / "ca", SystemClock())
    issued = authority.issue_server("region", ["localhost"])
    files = {"certificate": issued.certificate_pem, "key": issued.key_pem}
    files["clients"] = b"".join(one.public_bytes(Encoding.PEM) for one in authority.chain)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    config = http_server(_answer_at_the_end, *(tmp_path / name for name in files)).config
    config.load()
    assert config.ssl is not None
    yield config.ssl


def test_nothing_older_than_tls_1_2_is_spoken_and_nothing_without_forward_secrecy(context: ssl.SSLContext) -> None:
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    ciphers = context.get_ciphers()
    assert ciphers
    for cipher in ciphers:
        assert cipher["aead"], cipher["name"]
        assert cipher["kea"] in ("kx-any", "kx-ecdhe"), cipher["name"]
