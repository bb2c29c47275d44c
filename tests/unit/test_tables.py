"""Tables as CSV: what spreadsheets write is read, faults are told by line and column, and formulas stay text."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from region.reasons import read
from region.stations.tables import BadTable, Columns, read_table, write_table

COLUMNS = Columns(("site", "room"), ("serial", "note"))
cells = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"]) | st.sampled_from("'=+-@;,\t \n\"å"), max_size=12
).map(str.strip)
rows = st.lists(st.tuples(cells.filter(bool), cells.filter(bool), cells, cells), max_size=6)


def faults(content: bytes) -> list[tuple[int, str]]:
    with pytest.raises(BadTable) as bad:
        read_table(content, COLUMNS)
    return [(one.line, one.column) for one in bad.value.faults]


@given(rows, st.booleans())
def test_what_is_written_is_read_again_the_same(table: list[tuple[str, ...]], plain: bool) -> None:
    read = read_table(write_table(COLUMNS, table, plain=plain), COLUMNS)
    assert [tuple(row.cells.values()) for row in read] == table


@given(rows, st.booleans())
def test_no_cell_begins_as_a_formula_does(table: list[tuple[str, ...]], plain: bool) -> None:

    text = write_table(COLUMNS, table, plain=plain).decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text, newline=""), delimiter="," if plain else ";"):
        assert not any(cell[:1] in "=+-@\t\r" for cell in row if cell)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_refusal_that_says_where(content: bytes) -> None:
    try:
        read_table(content, COLUMNS)
    except BadTable as bad:
        assert bad.faults
        assert all(one.line >= 1 for one in bad.faults)


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffsite;room;serial\r\nSolgården;Stue 1;17\r\n", "site,room,serial\nSolgården,Stue 1,17\n",
        "sep=;\r\nSite;Room;Serial\r\nSolgården; Stue 1 ;17\r\n", "serial\troom\tsite\n17\tStue 1\tSolgården",
        "\n\nsite;room;serial\n\n;;\nSolgården;Stue 1;17;;;\n", 'site;room;serial\n"Solgården";"Stue 1";"17"\n',
    ],
)  # fmt: skip
def test_what_spreadsheets_write_is_read(content: str) -> None:
    (row,) = read_table(content.encode(), COLUMNS)
    assert (row.cells["site"], row.cells["room"], row.cells["serial"]) == ("Solgården", "Stue 1", "17")
    assert "note" not in row.cells


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"", [(1, "")]),
        (b"site;colour\nA;red\n", [(1, "colour"), (1, "room")]),
        (b"site;room;room\nA;1;2\n", [(1, "room")]),
        (b"site;room\nA;1\n;2\nB;\nC;4;5;6\n", [(3, "site"), (4, "room"), (5, "")]),
        (b'site;room\nA;"1\n2"\n;3\n', [(4, "site")]),
        ("site;room\nA;1\nSolgården;2\n".encode("latin-1"), [(3, "")]),
        ("site;room\n".encode("utf-16"), [(1, "")]),
        (b"PK\x03\x04 a workbook", [(1, "")]),
        (b'site;room\nA;"1"2\n', [(2, "")]),
        (b'site;room\nA;1\nB;"2\nC;3\nD;4\n', [(3, "")]),
        (b"site;room\nA;1\nB;" + b"2" * 140_000, [(3, "")]),
        (b"site;room\nA;\x001\n", [(2, "")]),
    ],
)
def test_each_fault_is_told_by_line_and_column(content: bytes, where: list[tuple[int, str]]) -> None:
    assert faults(content) == where


@given(st.text("a;\"\r\n,'", max_size=24))
def test_no_word_of_the_parsers_own_is_told(content: str) -> None:
    try:
        read_table(b"site;room\n" + content.encode(), COLUMNS)
    except BadTable as bad:
        codes = {reason.code for one in bad.faults if (reason := read(one.text)) is not None}
        assert all(read(one.text) is not None for one in bad.faults)
        assert "csv" not in codes  # for what another version of Python may say: none of ours does


def test_many_faults_are_counted_and_the_first_are_told() -> None:
    with pytest.raises(BadTable, match="and 30 more"):
        read_table(b"site;room\n" + b"A;\n" * 50, COLUMNS)
