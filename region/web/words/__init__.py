"""Words in the languages pages speak. English is the default; both catalogues have the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from messaging.twin import Language
from region.web.subject import Words
from region.web.words import api_tokens, audit, changes, da, en, oidc, passkeys, reasons, refusals, settings

LANGUAGES: tuple[Language, ...] = ("en", "da")
_PARTS = (api_tokens, audit, changes, oidc, passkeys, reasons, refusals, settings)
OWN: Words = {
    "en": en.WORDS | {key: word for part in _PARTS for key, word in part.WORDS["en"].items()},
    "da": da.WORDS | {key: word for part in _PARTS for key, word in part.WORDS["da"].items()},
}


class Translator(Protocol):
    """Gives the words of a key, with values filled in: `t("fleet.stations", count=3)`."""

    def __call__(self, key: str, **values: object) -> str:
        """The words; KeyError for a key that no catalogue has."""


class Catalogue:
    """The words of all subjects."""

    def __init__(self) -> None:
        self._words: dict[Language, dict[str, str]] = {language: {} for language in LANGUAGES}

    def add(self, words: Words) -> None:
        """Take in a subject's words."""
        for language in LANGUAGES:
            self._words[language].update(words[language])

    def translator(self, language: Language) -> Translator:
        """The words of one language."""
        return partial(_words, self._words[language])

    def has(self, key: str) -> bool:
        """Whether there are words for the key."""
        return key in self._words["en"]


def _words(catalogue: Mapping[str, str], key: str, **values: object) -> str:
    return catalogue[key].format(**values) if values else catalogue[key]


def preferred(accept_language: str) -> Language | None:
    """The language a browser's Accept-Language asks for first, of those we have (RFC 9110, 12.5.4)."""
    ranked: list[tuple[float, int, Language]] = []
    for position, part in enumerate(accept_language[:200].split(",")):
        tag, _, parameter = part.strip().partition(";")
        main = tag.split("-")[0].strip().lower()
        quality = _quality(parameter)
        if quality > 0:
            ranked.extend((-quality, position, language) for language in LANGUAGES if language == main)
    return min(ranked)[2] if ranked else None


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
