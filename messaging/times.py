"""Moments: Unix seconds among ourselves, RFC 3339 wherever the region's JSON API says or is told one. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from messaging.codec import Range

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Instant(Range):
    """A moment in a message or a record: Unix seconds there, text in the API's JSON (pydantic asks for how)."""

    least: float = 0
    most: float = 1e11

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Written as `rfc_3339`."""
        told = {"return_schema": {"type": "str"}, "when_used": "json"}
        return {**handler(source), "serialization": {"type": "function-plain", "function": rfc_3339, **told}}

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        """And told as such."""
        return {"type": "string", "format": "date-time"}


UnixTime = Annotated[float, Instant()]


def rfc_3339(at: float) -> str:
    """That moment in UTC, to the millisecond: `2026-11-22T03:00:00.000Z`. `at` as `Instant` has it."""
    seconds, milliseconds = divmod(round(at * 1000), 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"


def read_rfc_3339(text: object) -> float:
    """Unix seconds; ValueError for all but a date and time with seconds and its offset from UTC."""
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        raise ValueError("a time is written with its offset, as 2026-11-22T03:00:00+01:00 or 2026-11-22T02:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"there is no such time: {error}") from error
