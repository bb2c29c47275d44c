"""The audit's hash chain by itself: whatever is done to a log, the first row that is not as it was is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from region.registry.seals import (
    BEFORE_ALL,
    NOTHING_YET,
    Broken,
    Head,
    Loose,
    Walk,
    judge,
    kept_elsewhere,
    read_head,
    seal,
)

_words = st.text(max_size=12)
_numbers = st.one_of(st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False))
_told = st.fixed_dictionaries(
    {
        "at": st.floats(0, 4e9), "actor": _words, "action": _words, "station_id": st.none() | _words,
        "call_id": st.none() | _words, "outcome": _words,
        "detail": st.dictionaries(_words, st.one_of(st.none(), _words, _numbers), max_size=3),
    }
)  # fmt: skip
_logs = st.lists(_told, min_size=4, max_size=12)
Log = list[dict[str, Any]]


def _sealed(told: Log, after: Head = NOTHING_YET) -> Log:
    rows = []
    for one in told:
        row = {**one, "id": after.row + 1, "previous": after.seal}
        after = Head(row["id"], seal(after.seal, row))
        rows.append(row | {"seal": after.seal})
    return rows


def _head(rows: Log) -> Head:
    return Head(rows[-1]["id"], rows[-1]["seal"]) if rows else NOTHING_YET


def _looked(rows: Log, head: Head | None) -> Broken | None:
    walk = Walk(head)
    for row in sorted(rows, key=lambda one: one["id"]):
        found = walk.take(row)
        if isinstance(found, Loose):
            followed = [one["id"] for one in rows if one["seal"] == found.previous]
            heirs = [one for one in rows if one["previous"] == found.before.seal and one["id"] != found.row]
            return judge(found, min(followed, default=None), bool(heirs))
        if found is not None:
            return found
    return walk.end()


def _renumbered(rows: Log, first: int = 1) -> Log:
    return [row | {"id": number} for number, row in enumerate(rows, first)]


def _place(data: st.DataObject, rows: Log, *, last: int = 0) -> int:
    """A place in the list, at least `last` from its end."""
    return data.draw(st.integers(0, len(rows) - 1 - last))


@given(_logs)
def test_a_log_that_nobody_touched_holds(told: Log) -> None:
    rows = _sealed(told)
    assert _looked(rows, _head(rows)) is None
    assert _looked([], NOTHING_YET) is None


@given(_logs, st.data(), st.sampled_from(["at", "actor", "action", "station_id", "call_id", "outcome", "detail"]))
def test_a_row_that_was_changed_is_named(told: Log, data: st.DataObject, field: str) -> None:
    rows = _sealed(told)
    place = _place(data, rows)
    other = {"at": rows[place]["at"] + 1, "detail": {"other": "x" * 20}}.get(field, "something else entirely")
    rows[place] = rows[place] | {field: other}
    assert _looked(rows, _head(rows)) == Broken(place + 1, "changed")


@given(_logs, st.data())
def test_a_row_changed_and_sealed_anew_is_named_by_the_one_after_it(told: Log, data: st.DataObject) -> None:
    rows = _sealed(told)
    head, place = _head(rows), _place(data, rows, last=1)
    before = Head(rows[place]["id"] - 1, rows[place]["previous"])
    (rows[place],) = _sealed([rows[place] | {"actor": "somebody else entirely"}], before)
    assert _looked(rows, head) == Broken(place + 1, "changed")


@given(_logs, st.data())
def test_a_row_that_was_taken_out_is_missed(told: Log, data: st.DataObject) -> None:
    rows = _sealed(told)
    head, place = _head(rows), _place(data, rows, last=1)
    del rows[place]
    assert _looked(rows, head) == Broken(place + 1, "missing")
    assert _looked(_renumbered(rows), head) == Broken(place + 1, "missing")


@given(_logs, _told, st.data())
def test_a_row_that_was_put_in_is_named(told: Log, more: dict[str, Any], data: st.DataObject) -> None:
    rows = _sealed(told)
    head, place = _head(rows), _place(data, rows)
    before = Head(rows[place]["id"] - 1, rows[place]["previous"])
    (forged,) = _sealed([more | {"actor": "a forger, of whom nobody knows"}], before)
    found = _looked(_renumbered([*rows[:place], forged, *rows[place:]]), head)
    assert found == Broken(place + 1, "inserted")
    assert _looked([forged | {"id": 0}, *rows], head) == Broken(0, "inserted")


@given(_logs, st.data())
def test_rows_that_changed_places_are_named(told: Log, data: st.DataObject) -> None:
    rows = _sealed(told)
    head, place = _head(rows), _place(data, rows, last=1)
    other = data.draw(st.integers(place + 1, len(rows) - 1))
    rows[place], rows[other] = rows[other], rows[place]
    assert _looked(_renumbered(rows), head) == Broken(place + 1, "reordered")


@given(_logs, st.data())
def test_a_log_that_was_cut_off_or_grew_past_its_head_is_told_by_the_head(told: Log, data: st.DataObject) -> None:
    rows = _sealed(told)
    place = _place(data, rows)
    assert _looked(rows[:place], _head(rows)) == Broken(place + 1, "cut_off")
    assert _looked(rows, _head(rows[:place])) == Broken(place + 1, "inserted")
    assert _looked(rows, None) == Broken(len(rows), "rewritten")


@given(_logs, st.data())
def test_a_log_sealed_anew_from_some_row_on_is_told_by_a_head_that_was_kept(told: Log, data: st.DataObject) -> None:
    rows = _sealed(told)
    kept = _head(rows[: _place(data, rows) + 1])
    assert kept_elsewhere(kept, rows[kept.row - 1]["seal"], _head(rows)) is None
    assert _looked(rows, _head(rows)) is None
    told[0] = told[0] | {"actor": "somebody else entirely"}
    forged = _sealed(told)
    assert _looked(forged, _head(forged)) is None, "by itself the chain cannot know"
    assert kept_elsewhere(kept, forged[kept.row - 1]["seal"], _head(forged)) == Broken(kept.row, "rewritten")
    assert kept_elsewhere(Head(len(rows) + 1, BEFORE_ALL), None, _head(rows)) == Broken(len(rows) + 1, "cut_off")


def test_every_word_that_a_row_tells_is_under_its_seal() -> None:
    row = {"id": 1, "at": 5, "actor": "ivan", "action": "sign_in", "station_id": None, "call_id": None,
           "outcome": "done", "detail": {"how": "link"}}  # fmt: skip
    sealed = seal(BEFORE_ALL, row)
    assert sealed == seal(BEFORE_ALL, row | {"at": 5.0, "unknown": "left out"}), "as a database gives it back"
    changed = [seal("1" * 64, row), *(seal(BEFORE_ALL, row | {name: "other"}) for name in row if name != "at")]
    assert sealed not in changed
    assert len(set(changed)) == len(changed)


@pytest.mark.parametrize("text", ["", "1", "1:", ":" + "a" * 64, "1:" + "g" * 64, "-1:" + "a" * 64, "1:" + "a" * 63])
def test_a_head_that_is_none_is_refused(text: str) -> None:
    assert read_head(text) is None


@given(st.integers(0, 10**17), st.binary(min_size=32, max_size=32))
def test_a_head_that_was_written_down_is_read_again(row: int, digest: bytes) -> None:
    head = Head(row, digest.hex())
    assert read_head(f" {head}\n") == head


@given(st.text(max_size=90))
def test_reading_a_head_never_fails(text: str) -> None:
    head = read_head(text)
    assert head is None or str(head).lstrip("0") in text
