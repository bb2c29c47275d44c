"""Whom tries are counted against: changing one's address within one's own network is no way round a limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from region.sources import source_of


@pytest.mark.parametrize(("address", "source"), [
    ("10.0.0.1", "10.0.0.1"), ("2001:db8::1", "2001:db8::/64"), ("2001:db8::ffff:1", "2001:db8::/64"),
    ("::ffff:10.0.0.1", "10.0.0.1"), ("unknown", "unknown"), ("", "unknown"),
])  # fmt: skip
def test_an_address_is_counted_by_whom_it_belongs_to(address: str, source: str) -> None:
    assert source_of(address) == source


@given(st.text(max_size=60))
def test_no_address_is_an_error(address: str) -> None:
    assert len(source_of(address)) <= 64
