"""Rows as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, fields

from region.evaluation.publishing import Row
from region.spreadsheets import escaped

COLUMNS = tuple(field.name for field in fields(Row))


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
    return escaped(value) if isinstance(value, str) else value
