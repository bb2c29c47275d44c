"""Tables as CSV, as people's spreadsheets write and read them. Pure: text and bytes in, rows and faults out.

Read: UTF-8 with or without a byte order mark; semicolon, comma or tab, as the first line has it (Excel's `sep=;` too).
Written: UTF-8 with a mark and semicolons, which Danish Excel opens with a double click, or `plain` with commas.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, and read without.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from region.errors import RegionError
from region.reasons import say
from region.spreadsheets import escaped, unescaped

MOST_BYTES = 16 * 1024 * 1024
MOST_ROWS = 50_000
_MOST_TOLD = 20
_AFTER_QUOTE = re.compile(r"^'.' expected after '.'$", re.DOTALL)
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"PK": "Excel (.xlsx)", b"\xd0\xcf": "Excel (.xls)"}


@dataclass(frozen=True)
class Fault:
    """What is wrong in which line (counted from 1, as editors do) and column (its heading; empty: the whole line)."""

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}" if self.column else f"line {self.line}"
        return f"{where}: {self.text}"


class BadTable(RegionError):
    """A table that cannot be taken: nothing of it was. `faults` are all of them, in order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda one: one.line))
        told = [str(one) for one in self.faults[:_MOST_TOLD]]
        if len(self.faults) > _MOST_TOLD:
            told.append(f"and {len(self.faults) - _MOST_TOLD} more")
        super().__init__("nothing was changed, because of\n  " + "\n  ".join(told))


@dataclass(frozen=True)
class Row:
    """One line of a table; `cells` by heading, trimmed. A column the table does not have is not in it."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Columns:
    """The headings of a kind of table: those that must be there, and those that may."""

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """In the order in which they are written."""
        return self.needed + self.optional


def read_table(content: bytes, columns: Columns) -> list[Row]:
    """The rows of a table; BadTable with every fault of its form."""
    text = _text(content)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    heading: list[str] | None = None
    rows: list[Row] = []
    faults: list[Fault] = []
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            cells = [unescaped(cell.strip()) for cell in cells]
            if not any(cells) or (heading is None and cells[0].lower().startswith("sep=")):
                continue
            if heading is None:
                heading = [cell.lower() for cell in cells]
                _check_heading(heading, columns, line)
            elif len(cells) > len(heading) and any(cells[len(heading) :]):
                faults.append(Fault(line, "", say("cells", cells=len(cells), headings=len(heading))))
            else:
                row = Row(line, dict(zip(heading, cells, strict=False)))
                faults += [Fault(line, one, say("empty")) for one in columns.needed if not row.cells.get(one)]
                rows.append(row)
                _check_length(rows, line)
    except csv.Error as error:
        raise BadTable([_unread(str(error), begins, reader.line_num or 1)]) from error
    if heading is None:
        raise BadTable([Fault(1, "", say("no_headings", names=", ".join(columns.all)))])
    if faults:
        raise BadTable(faults)
    return rows


def write_table(columns: Columns, rows: Iterable[Sequence[str]], *, plain: bool = False) -> bytes:
    """The table as CSV."""
    text = io.StringIO(newline="")
    # A heading of one column does not tell the delimiter: its cells are quoted, whatever is in them.
    writer = csv.writer(
        text, delimiter="," if plain else ";", lineterminator="\n" if plain else "\r\n",
        quoting=csv.QUOTE_ALL if len(columns.all) == 1 else csv.QUOTE_MINIMAL,
    )  # fmt: skip
    writer.writerow(columns.all)
    writer.writerows([escaped(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8" if plain else "utf-8-sig")


def _text(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise BadTable([Fault(1, "", say("megabytes", most=MOST_BYTES // 2**20))])
    for mark, what in _MARKS.items():
        if content.startswith(mark):
            raise BadTable([Fault(1, "", say("not_csv", format=what))])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadTable([Fault(line, "", say("not_utf8"))]) from error
    if "\0" in text:
        raise BadTable([Fault(text.count("\n", 0, text.index("\0")) + 1, "", say("no_text"))])
    return text


def _unread(told: str, begins: int, ends: int) -> Fault:
    """What Python's reader stumbled over (Modules/_csv.c), in a row that begins and ends in these lines."""
    if told == "unexpected end of data":
        return Fault(begins, "", say("quote_open"))
    if _AFTER_QUOTE.search(told):
        return Fault(ends, "", say("after_quote"))
    if told.startswith("field larger than field limit"):
        return Fault(begins, "", say("cell_long", most=csv.field_size_limit()))
    return Fault(ends, "", say("csv"))


def _delimiter(text: str) -> str:
    first = text.lstrip("\r\n").partition("\n")[0]
    if first.lower().startswith("sep="):
        return first[4:5].strip() or "\t"
    return max(";,\t", key=first.count)


def _check_heading(heading: list[str], columns: Columns, line: int) -> None:
    unknown = say("no_column", names=", ".join(columns.all))
    faults = [Fault(line, one or "(empty)", unknown) for one in heading if one not in columns.all]
    faults += [Fault(line, one, say("column_twice")) for one in columns.all if heading.count(one) > 1]
    faults += [Fault(line, one, say("column_missing")) for one in columns.needed if one not in heading]
    if faults:
        raise BadTable(faults)


def _check_length(rows: list[Row], line: int) -> None:
    if len(rows) > MOST_ROWS:
        raise BadTable([Fault(line, "", say("rows", most=MOST_ROWS))])
