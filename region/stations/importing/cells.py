"""What a cell says, judged without the database: a value, or Wrong with its column and what to do."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar, cast

from messaging.twin import Language
from region.reasons import say
from region.registry import RegistryError
from region.registry.table import text
from region.stations.importing.kinds import Kind

_LONGEST = 80  # letters of a name
_LANGUAGES = ("da", "en")
T = TypeVar("T")


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_HasName)


class Wrong(Exception):
    """A cell that cannot be; the text says why, and what to do where that is not plain."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column


class Known(Generic[N]):
    """What is there, found by name: as it is written, or `folded` alike."""

    def __init__(self, what: str, kind: Kind, there: Iterable[N]) -> None:
        self._missing = say("import_first", kind=what, kinds=kind)
        self._exact = {one.name: one for one in there}
        self._folded = {folded(name): one for name, one in self._exact.items()}

    def find(self, name: str) -> N | None:
        """The one of that name."""
        return self._exact.get(name) or self._folded.get(folded(name))

    def named(self, column: str, name: str) -> N:
        """The one of that name; Wrong where there is none."""
        found = self.find(name)
        if found is None:
            raise Wrong(column, self._missing)
        return found

    def perhaps(self, column: str, name: str) -> N | None:
        """The one of that name, None for an empty cell; Wrong where there is none."""
        return self.named(column, name) if name else None

    def called(self, column: str, name: str) -> str:
        """The name of the one that is meant, or a new one as it is to be stored."""
        found = self.find(name)
        return name_of(column, name) if found is None else found.name


def folded(value: str) -> str:
    """The same for names that look alike: single blanks, and letters composed (a Mac may write å as two)."""
    return unicodedata.normalize("NFC", " ".join(value.split()))


def checked(column: str, act: Callable[[], T]) -> T:
    """What `act` makes of the cell; Wrong where the registry does not take it."""
    try:
        return act()
    except RegistryError as error:
        raise Wrong(column, str(error).partition(": ")[2] or str(error)) from error


def name_of(column: str, value: str) -> str:
    """A name as it is stored."""
    return checked(column, lambda: text(folded(value), column, _LONGEST))


def remark(column: str, value: str) -> str:
    """Words that may be empty, as they are stored."""
    return checked(column, lambda: text(folded(value), column, _LONGEST, empty=True))


def language(value: str) -> Language | None:
    """A language, None for an empty cell."""
    if value and value not in _LANGUAGES:
        raise Wrong("language", say("one_of", options=", ".join(_LANGUAGES)))
    return cast("Language", value) if value else None


def volume(value: str) -> int | None:
    """A volume in percent, None for an empty cell."""
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 3 and int(value) <= 100):
        raise Wrong("volume", say("percent"))
    return int(value)
