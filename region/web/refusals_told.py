"""Why the region did not take something, in the reader's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from region.reasons import read
from region.web.actors import ActorTeller
from region.web.words import Translator

_WORDS_OF = ("what", "kind", "kinds", "level")


@dataclass(frozen=True)
class RefusalTeller:
    """Tells in one language; what is none of `region.reasons` is told as it is."""

    t: Translator
    has: Callable[[str], bool]

    def why(self, told: str) -> str:
        """The reason of an error's text."""
        reason = read(told)
        if reason is None:
            return told
        values = {name: self._value(name, value) for name, value in reason.values.items()}
        return self.t(f"web.refusal.{reason.code}", **values)

    def _value(self, name: str, value: str) -> str:
        if name == "why":
            return self.why(value)
        if name == "by":
            return ActorTeller(self.t, self.has).inside(value)
        key = f"web.refusal.value.{value}"
        return self.t(key) if name in _WORDS_OF and self.has(key) else value
