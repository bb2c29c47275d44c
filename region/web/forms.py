"""What the pages' forms have in common: a choice that was made, and a refusal told beside what was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from starlette.requests import Request

from region.reasons import of
from region.registry import Invalid, Refused, RegistryError
from region.registry.records import WebSession
from region.web.context import region_of
from region.web.refusals_told import RefusalTeller
from region.web.settings_told import SettingTeller

_LONGEST = 9  # digits that any database's integer holds
Refusals: TypeAlias = Mapping[type[RegistryError], tuple[str, int]]


def choice(text: str) -> int | None:
    """The number of what was chosen; None where nothing was. Invalid for what no list of ours offers."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST:
        raise Invalid("a number was expected")
    return int(text)


def number(what: str, text: str) -> int:
    """The whole number that was typed or chosen; Invalid where none was."""
    found = choice(text)
    if found is None:
        raise Invalid(of(what, "empty"))
    return found


def refusal(request: Request, session: WebSession, error: RegistryError | None, known: Refusals) -> tuple[str, int]:
    """What to say, and the status. `known`: an error's key of words; one that is not goes on to the general answer."""
    if error is None:
        return "", 200
    if type(error) not in known:
        raise error
    word, status = known[type(error)]
    return region_of(request).pages.translator(request, session)(word), status


def told(request: Request, session: WebSession, error: RegistryError) -> str:
    """The error in the reader's words, as far as there are any."""
    pages = region_of(request).pages
    t = pages.translator(request, session)
    if isinstance(error, Refused):
        return SettingTeller(t, pages.has_words).every(error.fields)
    return RefusalTeller(t, pages.has_words).why(str(error))
