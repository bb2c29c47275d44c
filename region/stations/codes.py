"""Code files for single stations: by page, API and command line alike. Each is audited."""

from __future__ import annotations

from messaging.clock import Clock
from messaging.enrolment import CodeFile
from provisioning.authority.enrolment import Enrolment
from region.addresses import Addresses
from region.registry import Registry


class CodeService:
    """`actor` is whom the audit names: as `region.registry.actors` has it."""

    def __init__(
        self, registry: Registry, clock: Clock, enrolment: Enrolment, root_sha256: str, addresses: Addresses
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._enrolment = enrolment
        self.root_sha256 = root_sha256  # pinned by code files; another one after the root was changed
        self._addresses = addresses

    async def make(self, actor: str, station_id: str) -> CodeFile:
        """A new code file for the station; any code before it is void. NotFound for an unknown station."""
        async with self._registry.read() as t:
            await t.stations.get(station_id)
        code = await self._enrolment.invite(station_id)
        async with self._registry.begin() as t:
            await t.audit.add(actor, "code.make", "done", self._clock.wall(), station_id=station_id)
        return CodeFile(self._addresses.enrol_url, self.root_sha256, code, station_id, self._addresses.broker)
