"""In which order people read lists of places: `Stue 2` before `Stue 10`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func

from region.registry import schema

_DIGITS = "0123456789"


def as_read(name: Any) -> tuple[ColumnElement[Any], ...]:
    """By the words before a number at the end, then by that number. Works on both databases."""
    return func.rtrim(name, _DIGITS), func.length(name), name


def by_place() -> tuple[ColumnElement[Any], ...]:
    """Stations by site and name."""
    return *as_read(schema.site.c.name), *as_read(schema.station.c.name), schema.station.c.id
