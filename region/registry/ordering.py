"""In which order people read lists, on both databases: as `region.danish` has it.

PostgreSQL has a collation for it, made by a migration; SQLite is given the function on every connection. No index
goes by either: a list is sorted when it is asked for.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from region.registry import schema

DANISH = "danish"  # the collation's name, and the function's


class _AsRead(GenericFunction[str]):
    """What sorts a name."""

    name = DANISH
    inherit_cache = True


class _Lowered(GenericFunction[str]):
    """PostgreSQL's own goes by the database's locale, which may know the letters of ASCII alone."""

    name = "lower"
    identifier = "lower_in_danish"
    inherit_cache = True


def _collated(element: GenericFunction[str], compiler: SQLCompiler, **options: Any) -> str:
    (text,) = element.clauses
    return f"({compiler.process(text, **options)}) COLLATE {DANISH}"


def _lowered(element: GenericFunction[str], compiler: SQLCompiler, **options: Any) -> str:
    return f"lower({_collated(element, compiler, **options)})"


compiles(_AsRead, "postgresql")(_collated)
compiles(_Lowered, "postgresql")(_lowered)


def as_read(name: Any) -> ColumnElement[Any]:
    """By that name."""
    return _AsRead(name)


def by_place() -> tuple[ColumnElement[Any], ...]:
    """Stations by site and name."""
    return as_read(schema.site.c.name), as_read(schema.station.c.name), schema.station.c.id


def lowered(text: Any) -> ColumnElement[str]:
    """The text in lower case, whatever the database's locale."""
    return _Lowered(text)
