"""Rows as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, fields

from region.evaluation.publishing import Row

COLUMNS = tuple(field.name for field in fields(Row))
# What makes a spreadsheet take a cell for a formula, also in the full-width letters that some of them fold.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def to_csv(rows: Iterable[Row]) -> str:
    """A head and a line for each row. A text that a spreadsheet would take for a formula gets an apostrophe before it.

    The byte order mark is for spreadsheets, which otherwise break Danish letters.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in asdict(row).values()] for row in rows)
    return "\ufeff" + out.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
