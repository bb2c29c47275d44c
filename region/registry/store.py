"""What `provisioning.authority` needs of a database, on the registry; each method is a transaction of its own."""

from __future__ import annotations

from messaging.clock import Clock
from provisioning.authority.ports import Invitation
from region.registry.engine import Registry


class RegistryEnrolmentStore:
    """Fulfils `provisioning.authority.ports.EnrolmentStore`."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def may_enrol(self, station: str) -> bool:
        """Whether the registry has the station."""
        async with self._registry.read() as t:
            return await t.stations.find(station) is not None

    async def invitation(self, station: str) -> Invitation | None:
        """The station's invitation."""
        async with self._registry.read() as t:
            return await t.enrolments.get(station)

    async def put_invitation(self, invitation: Invitation) -> None:
        """Store a new invitation in place of the station's last."""
        async with self._registry.begin() as t:
            await t.enrolments.put(invitation)

    async def bind(self, station: str, code_sha256: str, key_sha256: str, certificate: bytes) -> Invitation | None:
        """Give the invitation its key and certificate if it has none yet, and return it as it now stands."""
        async with self._registry.begin() as t:
            bound = await t.enrolments.bind(station, code_sha256, key_sha256, certificate)
            if bound is not None and bound.key_sha256 == key_sha256:
                await t.audit.add(station, "certificate", "given", self._clock.wall(), station_id=station)
            return bound

    async def burn(self, station: str, code_sha256: str, at: float) -> bool:
        """Mark the code as used up; True when this call did it."""
        async with self._registry.begin() as t:
            done = await t.enrolments.burn(station, code_sha256, at)
            if done:
                await t.audit.add(station, "enrolled", "done", at, station_id=station)
            return done
