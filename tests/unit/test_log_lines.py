"""What a stranger puts into a message stays within one line of the log."""

from __future__ import annotations

import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.log_lines import OneLine

FORM = OneLine("%(levelname)s %(name)s: %(message)s")


def _line(text: str) -> str:
    return FORM.format(logging.LogRecord("region.wire", logging.INFO, "f", 1, "said %s", (text,), None))


@given(st.text())
def test_whatever_is_said_is_one_line_of_one_speaker(text: str) -> None:
    line = _line(text)
    assert len(line.splitlines()) == 1
    assert line.startswith("INFO region.wire: said ")
    assert not set(line) & set("\x1b\x08\x7f\x9b\u202e")


@pytest.mark.parametrize("text", ["Bakkens Klinik, Månelyst", "st-k3m9q2x7 => 4 %", "C:\\path"])
def test_what_people_write_is_left_alone(text: str) -> None:
    assert _line(text) == f"INFO region.wire: said {text}"


def test_a_forged_line_is_seen_to_be_one() -> None:
    assert _line("x\nERROR region: all is lost") == "INFO region.wire: said x\\nERROR region: all is lost"


def test_a_trace_keeps_its_lines() -> None:
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, "f", 1, "it failed", (), sys.exc_info())
    assert "\nTraceback (most recent call last):\n" in FORM.format(record)
