"""The audit as people read it: each stable word in the reader's language, stations by name, nothing empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from region.registry.records import AuditRow, RemovedStation, Station
from region.web.actors import ActorTeller
from region.web.changes_told import ChangeTeller
from region.web.words import Translator

_LASTED = ("seconds", "connected_seconds")


@dataclass(frozen=True)
class ToldRow:
    """One row in words. `at` in Unix seconds; `station` is its name, `details` are pairs of name and value, `changes`
    say of each field what it was and what it became."""

    at: float
    who: str
    what: str
    outcome: str
    station_id: str | None
    station: str
    details: tuple[tuple[str, str], ...]
    changes: tuple[str, ...] = ()
    removed: bool = False  # there is no page of the station any more


@dataclass(frozen=True)
class Teller:
    """Tells rows in one language; a stable word that `has` no words is told as it is."""

    t: Translator
    has: Callable[[str], bool]
    stations: Mapping[str, Station | RemovedStation]
    tokens: Mapping[str, str] = field(default_factory=dict)  # what API tokens are for, by id

    def tell(self, row: AuditRow) -> ToldRow:
        """The row in words."""
        event = row.action == "event"
        details = [
            (self._word("detail", key), self._value(key, value))
            for key, value in row.detail.items()
            if value not in (None, "") and not (key == "count" and value == 1) and key != "changes"
        ]
        who = ActorTeller(self.t, self.has, self.tokens, self.stations).who(row.actor)
        return ToldRow(
            at=row.at, who=who, what=self._word("action", row.action),
            outcome=self._word("event" if event else "outcome", row.outcome),
            station_id=row.station_id, station=self._name(row.station_id) or row.station_id or "",
            details=tuple(details), changes=ChangeTeller(self.t, self.has).tell(row),
            removed=isinstance(self.stations.get(row.station_id or ""), RemovedStation),
        )  # fmt: skip

    def _name(self, station_id: str | None) -> str:
        station = self.stations.get(station_id or "")
        return f"{station.name}, {station.site}" if station else ""

    def _word(self, kind: str, stable: str) -> str:
        key = f"web.audit.{kind}.{stable}"
        return self.t(key) if self.has(key) else stable

    def _value(self, key: str, value: object) -> str:
        if key in _LASTED and isinstance(value, int | float):
            minutes, seconds = divmod(round(value), 60)
            return self.t("web.audit.minutes" if minutes else "web.audit.seconds", minutes=minutes, seconds=seconds)
        known = f"web.audit.value.{key}.{value}"
        return self.t(known) if self.has(known) else str(value)
