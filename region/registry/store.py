"""What `provisioning.authority` needs of a database, on the registry; each method is a transaction of its own."""

from __future__ import annotations

from messaging.clock import Clock
from provisioning.authority.ports import Given, Invitation
from provisioning.authority.renewal import given
from region.registry.attempts import Limit
from region.registry.engine import Registry


class RegistryEnrolmentStore:
    """Fulfils `EnrolmentStore` and `RenewalStore` of `provisioning.authority.ports`."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def may_enrol(self, station: str) -> bool:
        """Whether the registry has the station and has not shut it out."""
        async with self._registry.read() as t:
            found = await t.stations.find(station)
        return found is not None and found.admission == "admitted"

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
                if bound.certificate is not None:  # of two requests at once, the first one's
                    await t.certificates.add(given(station, key_sha256, bound.certificate, self._clock.wall()))
            return bound

    async def burn(self, station: str, code_sha256: str, at: float) -> bool:
        """Mark the code as used up; True when this call did it."""
        async with self._registry.begin() as t:
            done = await t.enrolments.burn(station, code_sha256, at)
            if done:
                await t.audit.add(station, "enrolled", "done", at, station_id=station)
                invitation = await t.enrolments.get(station)
                if invitation is not None and invitation.key_sha256 is not None:  # the card before it is shut out
                    await t.certificates.revoke(station, at, but_key=invitation.key_sha256)
            return done

    async def latest(self, key_sha256: str) -> Given | None:
        """The last certificate that this key was given."""
        async with self._registry.read() as t:
            return await t.certificates.latest(key_sha256)

    async def keep(self, given: Given) -> None:
        """Keep a renewed certificate."""
        async with self._registry.begin() as t:
            await t.certificates.add(given)
            await t.audit.add(given.station, "certificate", "renewed", given.issued, station_id=given.station)


class SharedTries:
    """The tries of one kind, as whoever limits them asks for it (`provisioning.authority.ports.Tries`)."""

    def __init__(self, registry: Registry, clock: Clock, limit: Limit) -> None:
        self._registry = registry
        self._clock = clock
        self._limit = limit

    async def take(self, source: str) -> float:
        """Count a try. 0: go on. More: refused, and the seconds until the next is free."""
        async with self._registry.begin() as t:
            return await t.attempts.take(self._limit, source, self._clock.wall())

    async def give_back(self, source: str) -> None:
        """The last try was an honest one: it does not count."""
        async with self._registry.begin() as t:
            await t.attempts.give_back(self._limit, source)
