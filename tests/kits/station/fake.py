"""Both processes of a station as their sockets show them: real servers, and the views that a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from messaging.call import Devices
from messaging.link.local import LocalServer, Reply
from messaging.local import AGENT_SOCKET, CALL_SOCKET, AgentView, CallView, Message, Refusal
from messaging.twin import Config

IDLE = CallView(state="idle", boot="boot1", since=1.0, light="ready", devices=Devices())
LIVE = CallView(state="in_call", boot="boot1", since=1.0, light="live", devices=Devices(), call="call0001")
AGENT = AgentView(
    link="up", enrolled=True, station="st-k3m9q2x7", clock="ntp", hardware="sim",
    config=Config(clinic="Clinic", site="Site", station="Room 4", language="en"), config_version=3,
)  # fmt: skip


class FakeStation:
    """Two servers in one directory; `asked` is what clients sent, in order. It answers `refuse` with a refusal."""

    def __init__(self, runtime_dir: Path) -> None:
        self.runtime_dir = runtime_dir
        self.asked: list[Message] = []
        self.refuse = ""
        self.call = LocalServer(runtime_dir / CALL_SOCKET, self._take)
        self.agent = LocalServer(runtime_dir / AGENT_SOCKET, self._take)

    def _take(self, message: Message, reply: Reply) -> None:
        self.asked.append(message)
        if self.refuse:
            reply(Refusal(self.refuse))


@asynccontextmanager
async def fake_station(
    runtime_dir: Path, call: CallView = IDLE, agent: AgentView = AGENT
) -> AsyncIterator[FakeStation]:
    """A station that runs, with these views."""
    station = FakeStation(runtime_dir)
    station.call.show(call)
    station.agent.show(agent)
    await station.call.start()
    await station.agent.start()
    try:
        yield station
    finally:
        await station.call.stop()
        await station.agent.stop()
