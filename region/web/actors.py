"""Who did something, in the reader's words: the one place where pages turn an actor of the audit into words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from region.registry.actors import typist_of
from region.registry.records import RemovedStation, Station
from region.web.words import Translator


@dataclass(frozen=True)
class ActorTeller:
    """Tells in one language; an actor that `has` no words, a sign-in name, is told as it is."""

    t: Translator
    has: Callable[[str], bool]
    tokens: Mapping[str, str] = field(default_factory=dict)  # what API tokens are for, by id
    stations: Mapping[str, Station | RemovedStation] = field(default_factory=dict)  # those known by name here, by id

    def who(self, actor: str) -> str:
        """Who it was, where it stands alone."""
        return self._told(actor, inside=False)

    def inside(self, actor: str) -> str:
        """The same in the middle of a sentence: only names have capital letters."""
        return self._told(actor, inside=True)

    def _told(self, actor: str, *, inside: bool) -> str:
        if (station := self.stations.get(actor)) is not None:
            return f"{station.name}, {station.site}"
        maker, _, token = actor.removesuffix(")").rpartition(" (")  # `ApiToken.actor`
        if maker and token in self.tokens:
            by = self._told(maker, inside=inside)
            return self.t("web.audit.by_token", maker=by, name=self.tokens[token], token=token)
        words = self._words(actor)
        return (f"{words[:1].lower()}{words[1:]}" if inside else words) or actor

    def _words(self, actor: str) -> str:
        """Of what is nobody's sign-in name: the command line, the region itself; empty for the rest."""
        typed = typist_of(actor)
        if typed is not None:
            return self.t("web.audit.typed_by_sudo" if typed.by_sudo else "web.audit.typed", name=typed.name)
        key = f"web.audit.actor.{actor}"
        return self.t(key) if self.has(key) else ""
