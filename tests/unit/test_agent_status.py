"""`station status` and `station press`, against sockets as the processes serve them."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from device.agent import status as module
from device.agent.status import press, status
from messaging.call import Devices
from messaging.link.local import LocalServer, Reply
from messaging.local import AGENT_SOCKET, CALL_SOCKET, AgentView, CallView, Message, Press, Refusal
from messaging.twin import Config

AGENT = AgentView("up", True, "st-k3m9q2x7", "ntp", Config(clinic="Lægehuset"), 3, {"screen": "running"})
CALL = CallView("idle", "b", 0.0, "ready", Devices(), peer_name="Karen Jensen", peer_role="læge")


@asynccontextmanager
async def _processes(
    folder: Path,
    agent: AgentView | None = AGENT,
    call: CallView | None = CALL,
    on_press: Callable[[LocalServer, Reply], None] | None = None,
) -> AsyncIterator[None]:
    servers = []

    def take(message: Message, reply: Reply) -> None:
        assert isinstance(message, Press)
        assert on_press is not None
        on_press(servers[-1], reply)

    for name, view in ((AGENT_SOCKET, agent), (CALL_SOCKET, call)):
        if view is not None:
            servers.append(LocalServer(folder / name, take))
            await servers[-1].start()
            servers[-1].show(view)
    try:
        yield
    finally:
        for server in servers:
            await server.stop()


async def _status(folder: Path, *, as_json: bool = False) -> int:
    return await asyncio.to_thread(status, folder, as_json)


async def test_a_station_that_is_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with _processes(tmp_path):
        assert await _status(tmp_path) == 0
    out = capsys.readouterr().out
    assert out.startswith("A call would work now.")
    assert "enrolled as st-k3m9q2x7" in out
    assert "Lægehuset" in out


async def test_a_station_that_is_not_ready_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with _processes(tmp_path, agent=replace(AGENT, link="down")):
        assert await _status(tmp_path) == 1
    out = capsys.readouterr().out
    assert out.startswith("A call would NOT work now.")
    assert any(line.split() == ["NO", "region", "no", "connection"] for line in out.splitlines())


async def test_for_scripts_there_is_json_without_anybody_s_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _processes(tmp_path, agent=replace(AGENT, config=Config())):
        assert await _status(tmp_path, as_json=True) == 1
    out = capsys.readouterr().out
    document = json.loads(out)
    assert document["ready"] is False
    assert document["reasons"] == ["clinic: none has been set"]
    assert document["call"]["state"] == "idle"
    assert "Karen" not in out


async def test_one_process_that_does_not_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with _processes(tmp_path, call=None):
        assert await _status(tmp_path, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["reasons"] == ["station-call: does not run"]


def test_a_station_whose_processes_do_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status(tmp_path, as_json=True) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["ready"], document["agent"], document["call"]) == (False, None, None)
    assert press(tmp_path) == 3
    assert "does not run" in capsys.readouterr().err


def test_a_process_that_hangs_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ANSWER_WITHIN_S", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / AGENT_SOCKET))
        silent.listen()
        assert status(tmp_path, as_json=True) == 3


def test_a_process_that_talks_nonsense_is_as_good_as_none(
    tmp_path: Path,
) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / AGENT_SOCKET))
        server.listen()

        def talk() -> None:
            client, _ = server.accept()
            with client:
                client.sendall(b"HTTP/1.1 400 no\n\n{}\n" + b"\xff" * 100_000)

        talker = threading.Thread(target=talk)
        talker.start()
        assert status(tmp_path, as_json=True) == 3
        talker.join()


async def _press(folder: Path, on_press: Callable[[LocalServer, Reply], None], call: CallView = CALL) -> int:
    async with _processes(folder, call=call, on_press=on_press):
        return await asyncio.to_thread(press, folder)


async def test_a_press_tells_what_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await _press(tmp_path, lambda server, _reply: server.show(replace(CALL, state="calling"))) == 0
    assert capsys.readouterr().out == "idle -> calling\n"


async def test_a_press_that_can_do_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offline = replace(CALL, state="offline")
    refused = replace(offline, presses_refused=1)
    assert await _press(tmp_path, lambda server, _reply: server.show(refused), offline) == 1
    assert "can do nothing now (offline)" in capsys.readouterr().err


async def test_a_press_that_is_refused_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await _press(tmp_path, lambda _server, reply: reply(Refusal("unexpected"))) == 1
    assert "unexpected" in capsys.readouterr().err


async def test_a_press_without_effect_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PRESS_WITHIN_S", 0.2)
    assert await _press(tmp_path, lambda _server, _reply: None) == 1
    assert "nothing has changed (idle)" in capsys.readouterr().err
