"""When a network is carried out: what is in force, once, again after a failure, never over what a technician left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from device.agent.desired import InForce
from device.agent.networking import Networking
from messaging.settings import Network, Static, Wired
from messaging.twin import Config
from tests.kits.clock import ManualClock

STATIC = Network(wired=Wired(ip=Static("10.0.0.5/24")))


@dataclass
class Twin:
    """What is in force, and what is told as not done."""

    in_force: InForce = field(default_factory=InForce)
    undone: dict[str, str] = field(default_factory=dict)

    def cannot(self, undone: dict[str, str]) -> bool:
        news, self.undone = undone != self.undone, undone
        return news


@dataclass
class Machine:
    """Both ports; each does as it is told, or answers `failure`."""

    done: list[Any] = field(default_factory=list)
    failure: str = ""

    async def carry_out(self, wanted: Network) -> str:
        self.done.append(wanted)
        return self.failure


class Servers(Machine):
    async def use(self, servers: tuple[str, ...]) -> str:
        return await self.carry_out(servers)  # type: ignore[arg-type]

    async def stop(self) -> None: ...


class House:
    def __init__(self, *, enrolled: bool = True) -> None:
        self.twin, self.network, self.servers, self.clock = Twin(), Machine(), Servers(), ManualClock()
        self.enrolled, self.reports = enrolled, 0
        self.networking = Networking(
            self.twin, self.network, self.servers, self.clock, lambda: self.enrolled, self._told,  # type: ignore[arg-type]
        )  # fmt: skip

    async def _told(self) -> None:
        self.reports += 1

    async def desire(self, version: int, network: Network, *servers: str) -> None:
        self.twin.in_force = InForce(version, Config(network=network, time_servers=servers))
        await self.pass_by(3)

    async def pass_by(self, seconds: int) -> None:
        for _ in range(seconds):
            await self.networking.look()
            self.clock._now += 1.0


async def test_what_is_in_force_is_carried_out_once_and_each_time_it_changes() -> None:
    house = House()
    await house.desire(1, STATIC, "ntp.example")
    await house.desire(2, STATIC, "ntp.example")
    await house.desire(3, Network(), "ntp.example")
    assert house.network.done == [STATIC, Network()]
    assert house.servers.done == [("ntp.example",)]
    assert house.reports == 0


async def test_a_station_that_is_somebody_s_and_has_no_config_yet_is_left_as_it_is() -> None:
    """It may have come by this network to the region that it now belongs to."""
    house = House()
    await house.pass_by(5)
    assert house.network.done == []


async def test_a_station_that_is_nobody_s_keeps_none_of_ours() -> None:
    house = House(enrolled=False)
    await house.pass_by(5)
    assert house.network.done == [Network()]


async def test_what_cannot_be_done_is_told_once_and_tried_again_every_minute() -> None:
    house = House()
    house.network.failure = "NetworkManager is not there"
    await house.desire(1, STATIC)
    assert house.twin.undone == {"network": "not carried out: NetworkManager is not there"}
    await house.pass_by(300)
    assert 5 <= len(house.network.done) <= 7
    assert house.reports == 1
    house.network.failure = ""
    await house.pass_by(61)
    assert (house.twin.undone, house.reports) == ({}, 2)


async def test_time_servers_that_cannot_be_set_are_told_and_cost_the_network_nothing() -> None:
    house = House()
    house.servers.failure = "not_permitted"
    await house.desire(1, STATIC, "ntp.example")
    assert house.twin.undone == {"time_servers": "not carried out: the station may not change its time servers"}
    house.servers.failure = ""
    await house.pass_by(61)
    assert house.twin.undone == {}
