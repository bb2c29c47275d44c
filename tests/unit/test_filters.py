"""The language in which stations are filtered: what it says, it says the same in an address and as words."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from region.registry import Invalid
from region.registry.filters import KEYS, MOST_VALUES, STATES, Filter, read_pairs, read_words

_names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
_some = st.lists(_names, max_size=3, unique=True).map(tuple)
_filters = st.builds(
    Filter, text=_some, cluster=_some, municipality=_some, site=_some, clinic=_some, version=_some, station=_some,
    state=st.lists(st.sampled_from(STATES), max_size=3, unique=True).map(tuple),
)  # fmt: skip


@given(_filters)
def test_a_filter_is_the_same_as_an_address_and_as_words(which: Filter) -> None:
    assert read_pairs(parse_qsl(which.query())) == which
    assert read_words(which.words()) == which
    assert (which.query() == "") == (which == Filter())


def test_values_are_trimmed_said_once_and_text_is_words() -> None:
    which = read_pairs([("text", " stue  4 "), ("site", " Solgården "), ("site", "Solgården"), ("state", "")])
    assert which == Filter(text=("stue", "4"), site=("Solgården",))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["colour=red"], "no such filter"), (["state=happy"], "state: one of ready"), (["site"], "KEY=VALUE"),
        (["site="], "KEY=VALUE"), (["text=" + "x" * 200], "at most 120"),
        ([f"station=st-{number:08}" for number in range(MOST_VALUES + 1)], "at most 5000 values"),
    ],
)  # fmt: skip
def test_a_slip_is_told_and_never_taken_for_every_station(words: list[str], told: str) -> None:
    with pytest.raises(Invalid, match=told):
        read_words(words)


@given(st.lists(st.tuples(st.sampled_from([*KEYS, "where", ""]), st.text(max_size=130)), max_size=5))
def test_whatever_stands_in_an_address_is_a_filter_or_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        which = read_pairs(pairs)
    except Invalid:
        return
    assert read_pairs(which.pairs()) == which
