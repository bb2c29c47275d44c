"""What the desk says, in English and Danish; both have the same keys."""

from __future__ import annotations

from region.desk.words import da, en
from region.web.subject import Words
from region.web.words import Translator

_SCRIPT = "desk.script."


def _named(page: dict[str, str], script: dict[str, str]) -> dict[str, str]:
    return {f"desk.{key}": text for key, text in page.items()} | {_SCRIPT + key: text for key, text in script.items()}


WORDS: Words = {"en": _named(en.PAGE, en.SCRIPT), "da": _named(da.PAGE, da.SCRIPT)}


def script_words(t: Translator) -> dict[str, str]:
    """The texts for the page's scripts, which fill in `{name}` and the like themselves."""
    return {key: t(_SCRIPT + key) for key in en.SCRIPT}
