"""What the region is told of the agent's coming and going: Will, `conn`, birth. All three carry the same `bd`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from messaging.envelope import Sealer
from messaging.status import Connection
from messaging.topics import up


@dataclass
class Presence:
    """One run of the agent under one identity. Each connection has a new birth-death number.

    `numbers` counts through the whole run, whatever the identity: within a run a lower number is an older connection.
    """

    station: str
    sealer: Sealer
    versions: dict[str, str]
    numbers: Iterator[int]
    bd: int = 0

    def will(self) -> tuple[str, bytes]:
        """(topic, payload) of the next connection's Will; the birth that follows carries its number."""
        self.bd = next(self.numbers)
        return self._conn("offline")

    def online(self) -> tuple[str, bytes]:
        """(topic, payload) of `conn`, retained."""
        return self._conn("online")

    def last_words(self) -> tuple[str, bytes]:
        """(topic, payload) of an orderly end, in place of the Will."""
        return self._conn("offline")

    def _conn(self, state: Literal["online", "offline"]) -> tuple[str, bytes]:
        there = state == "online"
        versions = self.versions if there else {}
        connection = Connection("agent", state, self.sealer.boot, self.bd, versions, answers=there)
        return up(self.station, "conn", "agent"), self.sealer.seal(connection)
