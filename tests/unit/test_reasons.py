"""Why settings are refused: every reason is known again by its text, and has words in both languages."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.agent.desired import InForce, consider
from messaging.codec import encode
from messaging.reasons import ENGLISH, Reason, read, say
from messaging.twin import Config, Language
from provisioning.authority.profiles import LEVELS, leaves, objected, put, refusals
from provisioning.authority.setting_fields import rewritten, settings
from region.web.settings_told import SettingTeller
from region.web.words import LANGUAGES, OWN, Catalogue

CATALOGUE = Catalogue()
CATALOGUE.add(OWN)
DANISH = SettingTeller(CATALOGUE.translator("da"), CATALOGUE.has)

VALUES: dict[str, st.SearchStrategy[str]] = {
    "why": st.sampled_from([say("whole"), say("range", least="0", most="9"), "of a newer version"]),
    "where": st.sampled_from(["begins", "wifi.psk", "week.mon[2]"]),
    "station": st.from_regex(r"st-[a-z0-9]{8}", fullmatch=True),
    "day": st.sampled_from(["mon", "sun"]),
    "bytes": st.integers(0, 10**6).map(str),
    "version": st.integers(1, 2**53).map(str),
}
words = st.text(string.ascii_letters + string.digits + "-._, ", min_size=1, max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=6)
    | st.sampled_from(["22:00", "x" * 300, "a\x00", "a\u202e", "(set)", "tls", "10.0.0.5/24", "da"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["opens", "closes", "psk", "use", "on", "eap"]) | st.text(max_size=4), inner),
    max_leaves=6,
)  # fmt: skip
paths = st.sampled_from([path for path, _ in leaves(encode(Config()))] + [("night",), ("volum",), ("network", "wifi")])
documents = st.lists(st.tuples(paths, plain), max_size=4)


def named(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


def document_of(said: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for path, value in said:
        document = put(document, path, value)
    return document


@pytest.mark.parametrize("code", ENGLISH)
@given(st.data())
def test_a_reason_is_known_again_by_its_text(code: str, data: st.DataObject) -> None:
    values = {name: data.draw(VALUES.get(name, words)) for name in named(ENGLISH[code])}
    assert read(say(code, **values)) == Reason(code, values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words_with_the_same_values(language: Language) -> None:
    for code, english in ENGLISH.items():
        assert CATALOGUE.has(f"web.reason.{code}")
        values = {name: f"<{name}>" for name in named(english)}
        shown = CATALOGUE.translator(language)(f"web.reason.{code}", **values)
        assert all(value in shown for value in values.values()), code


@given(st.sampled_from(LEVELS), documents)
def test_whatever_a_layer_may_not_say_is_refused_for_a_reason_that_has_words(
    level: Any, said: list[tuple[tuple[str, ...], Any]]
) -> None:
    document = document_of(said)
    refused = refusals(level, document)
    assert [why for why in refused.values() if read(why) is None] == []
    if not refused:
        assert [why for why in objected(document).values() if read(why) is None] == []


@given(documents)
def test_whatever_a_station_refuses_is_refused_for_a_reason_that_has_words(
    said: list[tuple[tuple[str, ...], Any]],
) -> None:
    for data in ({"version": 3, "config": document_of(said)}, {"version": 1, "config": {}}, {"version": 0}):
        refused = consider(InForce(2), data).refused
        assert [why for why in refused.values() if read(why) is None] == []


@given(st.dictionaries(st.sampled_from([one.name for one in settings("station")]), st.text(max_size=9), max_size=5))
def test_whatever_cannot_be_read_in_a_form_has_words(texts: dict[str, str]) -> None:
    assert [why for why in rewritten({}, "station", texts)[1].values() if read(why) is None] == []


@pytest.mark.parametrize(
    ("config", "name", "told"),
    [
        ({"volume": 900}, "volume", "skal være fra 0 til 100"),
        ({"night": {"begins": "7"}}, "night", "Natten begynder: skal være et klokkeslæt som 08:00"),
        ({"auto_answer": {"on": True}}, "auto_answer",
         "ingen har givet samtykke (af hvem, skrevet ned af hvem, og til hvornår?)"),
        ({"opening": {"week": {"mon": [{"opens": "09:00", "closes": "08:00"}]}}}, "opening",
         "mandag lukker, før der åbnes"),
        ({"network": {"wifi": {"a: b": {"psk": "(set)"}}}}, "network",
         "en hemmelighed mangler: (set) står der kun i stedet for en"),
    ],
)  # fmt: skip
def test_what_a_station_refuses_is_told_in_danish(config: dict[str, Any], name: str, told: str) -> None:
    refused = consider(InForce(), {"version": 1, "config": config}).refused
    assert DANISH.of_setting(refused, name) == told


@pytest.mark.parametrize(
    ("path", "value", "called", "said"),
    [
        (("night", "on"), True, "Nattetimer", "Ja"),
        (("volume",), None, "Lydstyrke i et opkald (0 til 100)", "–"),
        (("opening", "week", "mon"), [{"opens": "08:00", "closes": "16:00"}], "Åbent mandag", "08:00-16:00"),
        (("network", "wifi", "Sol", "use"), "psk", "Trådløse net: Sol.use", "psk"),
        (("of", "tomorrow"), {"a": 1}, "of.tomorrow", '{"a": 1}'),
    ],
)
def test_a_value_at_a_path_is_told_in_danish(path: tuple[str, ...], value: Any, called: str, said: str) -> None:
    assert (DANISH.called(path), DANISH.said(path, value)) == (called, said)


def test_what_a_newer_station_says_is_told_as_it_is() -> None:
    assert DANISH.why("volume", "too loud for this room") == "too loud for this room"
    assert DANISH.why("volume", "too loud for this room (at station st-7sjaab0p)") == (
        "too loud for this room (på stationen st-7sjaab0p)"
    )
