"""What rows of the log tell, as tests ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def changed(detail: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Of each field that a change changed: what it was, and what it became."""
    return {one["field"]: (one["before"], one["after"]) for one in detail.get("changes", ())}
