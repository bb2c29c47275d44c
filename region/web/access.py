"""Changes of what people may do, made elsewhere (the command line, a table, another process): open pages are looked at.

Each leaves a row in the log that names the person, in the same transaction. The log is looked at each second: where it
has not grown that is one row read, whichever the database.
"""

from __future__ import annotations

import logging

from messaging.clock import Clock
from region.registry import Registry, RegistryError
from region.web.events import Hub

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0


class AccessWatch:
    """Runs where pages are open. `whose` of their leases: `lease_of`."""

    def __init__(self, registry: Registry, hub: Hub, clock: Clock) -> None:
        self._registry = registry
        self._hub = hub
        self._clock = clock
        self._read_to: int | None = None  # the row of the log; None: it begins where the log ends

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except RegistryError as error:
                _log.warning("whether somebody may do less now is looked up later: %s", error)
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Have the streams of everybody asked about whom there is news since the last look. RegistryError."""
        async with self._registry.read() as t:
            self._read_to, people = await t.audit.people_since(self._read_to)
            found = await t.people.ids(people)
        for person_id in found:
            self._hub.doubt_here(lease_of(person_id))


def lease_of(person_id: int) -> str:
    """The name by which all streams of a person are asked about."""
    return f"person:{person_id}"
