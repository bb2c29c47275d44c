"""What a change changed (`region.registry.changes`) as people read it: each field, from what to what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from messaging.settings import HIDDEN
from region.registry.records import AuditRow
from region.web.settings_told import SettingTeller
from region.web.words import Translator

_OF_LEVELS = ("layer.change", "profile.copy")  # their fields are settings, which a level says or does not


@dataclass(frozen=True)
class ChangeTeller:
    """Tells in one language; a field or a value that `has` no words is told as it is written."""

    t: Translator
    has: Callable[[str], bool]

    def tell(self, row: AuditRow) -> tuple[str, ...]:
        """A sentence for each field; none of a row from before values were kept."""
        told = row.detail.get("changes")
        changes = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        of_level = row.action in _OF_LEVELS
        return tuple(self._sentence(one, of_level=of_level) for one in changes)

    def _sentence(self, change: Mapping[str, Any], *, of_level: bool) -> str:
        field, before, after = str(change.get("field", "")), change.get("before"), change.get("after")
        name = self._field(field, of_level=of_level)
        if before == after == HIDDEN:
            return self.t("web.audit.change.hidden", name=name)
        was, became = (self._value(field, one, of_level=of_level) for one in (before, after))
        if of_level and before is None:
            return self.t("web.audit.change.said", name=name, after=became)
        if of_level and after is None:
            return self.t("web.audit.change.unsaid", name=name, before=was)
        return self.t("web.audit.change", name=name, before=was, after=became)

    def _field(self, field: str, *, of_level: bool) -> str:
        if of_level:
            return SettingTeller(self.t, self.has).called(tuple(field.split(".")))
        key = f"web.audit.detail.{field}"
        return self.t(key) if self.has(key) else field

    def _value(self, field: str, value: Any, *, of_level: bool) -> str:
        if value == HIDDEN:
            return self.t("web.audit.change.is_hidden")
        if value in (None, "", []) and not of_level:
            return self.t("web.audit.change.nothing")
        if isinstance(value, dict) and "sha256" in value:
            return self.t("web.audit.change.long", **{name: value.get(name) for name in ("start", "length", "sha256")})
        if of_level:
            return self._setting(field, value)
        known = f"web.audit.value.{field}.{value}"
        return (
            self.t(known) if self.has(known) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        )

    def _setting(self, field: str, value: Any) -> str:
        try:
            return SettingTeller(self.t, self.has).said(tuple(field.split(".")), value)
        except (TypeError, KeyError):  # a value of another version's shape: rows are older than the schema
            return json.dumps(value, ensure_ascii=False)
