"""The catalogues: complete in both languages, with the same placeholders, everything used, and kind."""

from __future__ import annotations

import dataclasses
import re
import string
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kiosk_ui
from kiosk_ui.words import Catalogue, ConsoleTexts, PanelTexts, Said, ScreenTexts, Words, elapsed
from kiosk_ui.words.catalogue import DeviceName
from kiosk_ui.words.words import CATALOGUES
from messaging.call import DeviceState, EndReason
from messaging.envelope import ClockTrust
from messaging.health import ProcessState
from messaging.local import CallState, FaultReason, LightPattern
from messaging.twin import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
AFTERNOON = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)


def texts(node: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a catalogue with its path."""
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from texts(value, f"{path}[{key}]")
    elif isinstance(node, tuple):
        for index, value in enumerate(node):
            yield from texts(value, f"{path}[{index}]")
    else:
        assert dataclasses.is_dataclass(node), f"{path}: {node!r} is no text"
        for field in dataclasses.fields(node):
            yield from texts(getattr(node, field.name), f"{path}.{field.name}")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_of_the_config_has_a_catalogue_and_no_text_in_it_is_empty(language: Language) -> None:
    found = dict(texts(CATALOGUES[language]))
    assert len(found) > 150
    assert [path for path, text in found.items() if not text.strip()] == []


def test_both_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    danish, english = (dict(texts(CATALOGUES[language])) for language in ("da", "en"))
    assert danish.keys() == english.keys()
    differing = {path for path in danish if placeholders(danish[path]) != placeholders(english[path])}
    assert differing == set()


def test_the_languages_do_differ() -> None:
    danish, english = (dict(texts(CATALOGUES[language].screen)) for language in ("da", "en"))
    assert [path for path in danish if danish[path] == english[path]] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ended", EndReason),
        ("faults", FaultReason),
        ("states", CallState),
        ("lights", LightPattern),
        ("devices", DeviceName),
        ("device_states", DeviceState),
        ("processes", ProcessState),
        ("clocks", ClockTrust),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_protocol_has_its_words(language: Language, name: str, words: object) -> None:
    assert set(getattr(Words(language), name)) == set(get_args(words))


def test_no_text_is_written_for_nobody() -> None:
    root = Path(kiosk_ui.__file__).parent
    code = "\n".join(path.read_text() for path in root.rglob("*.py") if path.parent.name != "words")
    for kind in (ScreenTexts, ConsoleTexts, PanelTexts):
        unused = [f.name for f in dataclasses.fields(kind) if not re.search(rf"\.{f.name}\b", code)]
        assert unused == [], f"{kind.__name__}: texts that nothing shows"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_said_to_the_resident_blames_or_uses_the_machines_words(language: Language) -> None:
    catalogue = CATALOGUES[language]
    shown = list(texts(catalogue.screen)) + list(texts(catalogue.ended)) + list(texts(catalogue.faults))
    forbidden = re.compile(r"\b(fejl|error|failed|server|netværk|network|du har ikke|you did|ugyldig|invalid)\b", re.I)
    assert [(path, text) for path, text in shown if forbidden.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_end_and_fault_says_something_short_and_what_comes_next(language: Language) -> None:
    words = Words(language)
    for said in [*words.ended.values(), *words.faults.values()]:
        assert isinstance(said, Said)
        assert len(said.headline) <= 50
        assert 10 <= len(said.sub) <= 80
        assert said.sub.endswith(".")


def test_danish_dates_and_times_are_written_the_danish_way() -> None:
    words = Words("da")
    assert words.date(AFTERNOON) == "lørdag den 21. november"
    assert words.time(AFTERNOON) == "kl. 14.05"
    assert words.time(AFTERNOON.replace(hour=7)) == "kl. 07.05"


def test_english_dates_and_times_are_written_the_english_way() -> None:
    words = Words("en")
    assert words.date(AFTERNOON) == "Saturday 21 November"
    assert words.time(AFTERNOON) == "14:05"


@pytest.mark.parametrize("language", LANGUAGES)
@given(when=st.datetimes())
def test_every_day_can_be_said(language: Language, when: datetime) -> None:
    said = Words(language).date(when)
    assert str(when.day) in said
    assert re.fullmatch(r"\D+\d{1,2}\D+", said)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (7.9, "0:07"), (185, "3:05"), (3599, "59:59"), (3723, "1:02:03"), (-5, "0:00")],
)
def test_a_call_lasts_as_long_as_a_clock_would_say(seconds: float, said: str) -> None:
    assert elapsed(seconds) == said


def test_a_catalogue_cannot_be_changed_by_who_reads_it() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Words("da").screen.idle = "x"  # type: ignore[misc]
    assert isinstance(CATALOGUES["da"], Catalogue)
