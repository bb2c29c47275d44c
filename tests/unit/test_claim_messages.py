"""What a station says to be claimed and what it is answered: read strictly, and the check code that both come to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.claim import (
    ClaimAnswer,
    ClaimRequest,
    RegionFile,
    check_code,
    claim_link,
    read_region_file,
    serial_told,
    write_region_file,
)
from messaging.codec import decode, encode
from messaging.errors import MalformedMessage, MessageError

GOOD = RegionFile("https://region.example:8402", "ab" * 32, "region.example:8403")
ASKED = ClaimRequest("MIIB", "cd" * 32, "10000000abcd")
ANSWER = ClaimAnswer("approved", "ef" * 16, "https://region.example/claims", 15, "st-k3m9q2x7")
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
)


def test_what_the_region_writes_the_station_reads() -> None:
    assert read_region_file(write_region_file(GOOD)) == GOOD


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_taken_survives_being_written(url: str, digest: str, broker: str) -> None:
    try:
        content = RegionFile(f"https://{url}", digest or "ab" * 32, f"{broker}:8403")
    except MalformedMessage:
        return
    assert read_region_file(write_region_file(content)) == content


@pytest.mark.parametrize(("field", "value"), [
    ("url", "http://region.example"), ("url", 'https://r" x'), ("url", "https://r\nx"), ("url", "https://r\\x"),
    ("ca_sha256", "AB" * 32), ("ca_sha256", "ab"), ("broker", "region.example"), ("broker", 'h":1'), ("broker", "h:0"),
])  # fmt: skip
def test_a_field_that_is_wrong_is_refused(field: str, value: str) -> None:
    with pytest.raises(MalformedMessage):
        replace(GOOD, **{field: value})


@pytest.mark.parametrize("text", ["", "region = 3", "[region", "[region]\nurl = 1", "[enrolment]\n", "x" * 5000])
def test_a_file_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_region_file(text)


@given(st.text(max_size=300))
def test_noise_on_a_card_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_region_file("[region]\n" + text)


@pytest.mark.parametrize("message", [ASKED, ANSWER, replace(ANSWER, state="waiting", station="")])
def test_messages_come_back_as_they_went(message: ClaimRequest | ClaimAnswer) -> None:
    assert decode(type(message), encode(message)) == message


@pytest.mark.parametrize(("message", "field", "value"), [
    (ASKED, "code_sha256", "cd"), (ASKED, "code_sha256", "CD" * 32), (ASKED, "serial", "a b c d"),
    (ASKED, "serial", "<b>bold"), (ANSWER, "nonce", "ef"), (ANSWER, "page", "javascript:alert(1)"),
    (ANSWER, "page", "https://r x"), (ANSWER, "station", ""), (ANSWER, "station", "../../etc"),
])  # fmt: skip
def test_a_part_of_a_message_that_is_wrong_is_refused(message: Any, field: str, value: str) -> None:
    with pytest.raises(MalformedMessage):
        decode(type(message), {**encode(message), field: value})


@given(ANYTHING, st.sampled_from([ClaimRequest, ClaimAnswer]))
def test_noise_is_no_message(noise: object, kind: type) -> None:
    with pytest.raises(MessageError):
        decode(kind, noise)


@given(HEX, HEX, HEX)
def test_the_check_code_is_six_digits_and_tells_each_of_its_three_apart(key: str, code: str, other: str) -> None:
    nonce = other[:32]
    check = check_code(key, code, nonce)
    assert len(check) == 6
    assert check.isascii()
    assert check.isdigit()
    assert check == check_code(key, code, nonce)


def test_another_key_code_or_nonce_comes_to_another_check_code() -> None:
    parts = ("ab" * 32, "cd" * 32, "ef" * 16)
    first = check_code(*parts)
    for at, changed in enumerate(("ac" * 32, "ce" * 32, "fe" * 16)):
        assert check_code(*(changed if at == index else part for index, part in enumerate(parts))) != first


def test_the_link_names_the_key_and_tells_the_check_code() -> None:
    link = claim_link("https://region.example/claims", "ab" * 32, "012345")
    assert link == f"https://region.example/claims/{'ab' * 32}?check=012345"


@pytest.mark.parametrize(("text", "told"), [
    ("10000000ABCD1234\0", "10000000abcd1234"), (" 5CD1234 XYZ \n", "5cd1234xyz"), ("", ""), ("n/a", ""),
    ("x" * 80, ""), ("abc", ""),
])  # fmt: skip
def test_a_serial_number_is_told_plainly_or_not_at_all(text: str, told: str) -> None:
    assert serial_told(text) == told
