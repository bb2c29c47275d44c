"""The code file on a card: read strictly, written exactly, its secret never shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.enrolment import CodeFile, read_code_file, split_address, write_code_file
from messaging.errors import MalformedMessage

GOOD = CodeFile("https://region.example:8402", "ab" * 32, "0123456789ABCDEF", "st-k3m9q2x7", "region.example:8403")


def test_what_the_region_writes_the_station_reads() -> None:
    assert read_code_file(write_code_file(GOOD)) == GOOD


def test_the_code_is_never_shown() -> None:
    assert GOOD.code not in repr(GOOD)
    assert GOOD.code not in str(GOOD)


@pytest.mark.parametrize(("field", "value"), [
    ("url", "http://region.example"), ("ca_sha256", "AB" * 32), ("ca_sha256", "ab"), ("code", "0123456789ABCDEI"),
    ("code", "short"), ("station", "St-1"), ("broker", "region.example"), ("broker", ":1"), ("broker", "h:70000"),
    ("broker", "h:²"),
])  # fmt: skip
def test_a_field_that_is_wrong_is_refused(field: str, value: str) -> None:
    with pytest.raises(MalformedMessage):
        replace(GOOD, **{field: value})


@pytest.mark.parametrize("text", ["", "enrolment = 3", "[enrolment", "[enrolment]\nurl = 1", "x" * 5000])
def test_a_file_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_code_file(text)


@given(st.text(max_size=300))
def test_noise_on_a_card_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_code_file("[enrolment]\n" + text)


def test_an_address_may_be_of_either_kind() -> None:
    assert split_address("[::1]:8403") == ("::1", 8403)
    assert split_address("localhost:1") == ("localhost", 1)
