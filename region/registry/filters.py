"""Which stations: the one language in which pages, API and command line say it. Pure.

A filter is words `KEY=VALUE`: `site=Solgården`, `state=offline`. Of several values of one key one is enough; every key
that is said has to hold; of `text` every word has to be found. Nothing said is every station. In a page's address they
are the query (`?site=Solgården&state=offline`), in the API and on the command line `where`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from region.registry.errors import Invalid

State = Literal[
    "ready", "well", "limits", "not_ready", "in_call", "quarantined", "never_seen", "offline", "program_away",
    "no_clinic", "locked", "device_fault", "machine", "silent", "config_waits", "on_trial", "taken_back", "refused",
    "certificate_soon", "revoked",
]  # fmt: skip
STATES: tuple[State, ...] = get_args(State)
MOST_VALUES = 5000  # of one filter; stations named one by one are values too
_LONGEST = 120


@dataclass(frozen=True)
class Filter:
    """The values by key. Places and clinics by their names, `station` by id, `version` is the software's.

    `state`: a call would work now (`ready`: `well`, or with `limits`), or would not (`not_ready`); the rest are as they
    are called. A station that is shut out is in `quarantined` or `revoked` and in no other, save that one in quarantine
    is `not_ready`: somebody has to look at it.
    """

    text: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()
    municipality: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    clinic: tuple[str, ...] = ()
    state: tuple[State, ...] = ()
    version: tuple[str, ...] = ()
    station: tuple[str, ...] = ()

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Key and value of everything said."""
        for one in fields(self):
            for value in getattr(self, one.name):
                yield one.name, value

    def words(self) -> list[str]:
        """Everything said, as KEY=VALUE."""
        return [f"{key}={value}" for key, value in self.pairs()]

    def query(self) -> str:
        """As the query of an address; empty where nothing is said."""
        return urlencode([*self.pairs()])


KEYS = tuple(one.name for one in fields(Filter))


def read_pairs(pairs: Iterable[tuple[str, str]]) -> Filter:
    """A filter of keys and values; empty values say nothing. Invalid for a key or a state that there is not."""
    said: dict[str, dict[str, None]] = {}
    for key, value in pairs:
        if key not in KEYS:
            raise Invalid(f"{key[:40]}: no such filter; there are {', '.join(KEYS)}")
        if len(value) > _LONGEST:
            raise Invalid(f"{key}: at most {_LONGEST} characters")
        for one in value.split() if key == "text" else [value.strip()]:
            if key == "state" and one and one not in STATES:
                raise Invalid(f"state: one of {', '.join(STATES)}")
            if one:
                said.setdefault(key, {})[one] = None
    if sum(map(len, said.values())) > MOST_VALUES:
        raise Invalid(f"at most {MOST_VALUES} values in one filter")
    checked: dict[str, Any] = {key: tuple(values) for key, values in said.items()}
    return Filter(**checked)


def read_words(words: Iterable[str]) -> Filter:
    """A filter of words KEY=VALUE; Invalid for anything else."""
    pairs = []
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not value.strip():
            raise Invalid(f"{word[:40]}: expected KEY=VALUE, with one of {', '.join(KEYS)}")
        pairs.append((key, value))
    return read_pairs(pairs)
