"""One order as the journal knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from device.agent.commands.evidence import Evidence
from messaging.command import CommandState, Progress
from messaging.signed import Word


@dataclass(frozen=True)
class Entry:
    """An order and its newest state. Times are Unix seconds. `evidence`: what was so when it began to be carried out;
    `attempts`: how often that has been begun. The body is kept until the order has ended.
    """

    cid: str
    station: str
    kind: str
    issued: float
    expires: float
    body: dict[str, Any] = field(default_factory=dict)
    state: CommandState = "init"
    reason: str = ""
    attempts: int = 0
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Untold:
    """A state that the region has not been told yet; `number` tells them apart and puts them in order."""

    number: int
    cid: str
    kind: str
    progress: Progress


def entry_of(word: Word) -> Entry:
    """The entry of a command that `judging` has looked at."""
    return Entry(
        word.cid or "", word.station, word.type or "", word.issued, word.expires or word.issued, word.body
    )  # fmt: skip
