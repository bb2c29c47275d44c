"""Carries out what the config in force says of the network and of the time servers, and does so anew when it changes.

What is in force is the twin's to decide: a config on trial that costs the link is taken back there, and then this
carries out the one before. With no config yet what is there stays; a station that is nobody's keeps none of ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from device.agent.twin import Twin
from device.network.port import NetworkPort
from device.network.time_servers import TimeServers
from messaging.clock import Clock
from messaging.reasons import say
from messaging.settings import Network

_LOOK_S = 1.0
_AGAIN_S = 60.0
_WORDS = {"not_permitted": say("no_time_servers")}

Wanted = tuple[Network, tuple[str, ...]]


class Networking:
    """`enrolled`: whether the station is somebody's; `told` is called when the region has to hear something else."""

    def __init__(
        self,
        twin: Twin,
        network: NetworkPort,
        servers: TimeServers,
        clock: Clock,
        enrolled: Callable[[], bool],
        told: Callable[[], Awaitable[None]],
    ) -> None:
        self._twin = twin
        self._network = network
        self._servers = servers
        self._clock = clock
        self._enrolled = enrolled
        self._told = told
        self._done: Wanted | None = None
        self._again_at = float("inf")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(_LOOK_S)

    async def look(self) -> None:
        """Carry out what is not carried out yet; what cannot be is tried again every minute, and told as refused."""
        wanted = self._wanted()
        if wanted is None or (wanted == self._done and self._clock.monotonic() < self._again_at):
            return
        before = self._done
        self._done = wanted
        network, servers = wanted
        undone = {"network": await self._network.carry_out(network)}
        if before is None or servers != before[1] or "time_servers" in self._twin.undone:
            undone["time_servers"] = await self._servers.use(servers)
        reasons = {name: say("not_done", why=_WORDS.get(why, why)) for name, why in undone.items() if why}
        self._again_at = self._clock.monotonic() + _AGAIN_S if reasons else float("inf")
        if self._twin.cannot(reasons):
            await self._told()

    def _wanted(self) -> Wanted | None:
        now = self._twin.in_force
        if not now.version and self._enrolled():
            return None  # the first config is on its way, perhaps over what another one gave
        return now.config.network, now.config.time_servers
