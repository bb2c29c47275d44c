"""Whom a request of the JSON API is about that is about stations, one or many."""

from __future__ import annotations

from pydantic import Field

from region.registry import Invalid
from region.registry.filters import read_words
from region.stations.commanding import Whom
from region.web.fields import Body, Condition, StationId


class OfStations(Body):
    """By their ids, or all that a filter finds (`where`, as in `/api/fleet`; an empty one: all)."""

    stations: list[StationId] = Field(default_factory=list, max_length=10_000)
    where: list[Condition] | None = Field(default=None, max_length=1000)

    def whom(self) -> Whom:
        """As the service takes it; Invalid where it says both or neither."""
        if bool(self.stations) == (self.where is not None):
            raise Invalid("name either stations or a filter (where)")
        return Whom(tuple(self.stations), None if self.where is None else read_words(self.where))
