"""The settings one by one: every one that there is, read as it is written, and no secret shown or lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.codec import decode, encode
from messaging.settings import HIDDEN
from messaging.twin import Config, Language
from provisioning.authority.profiles import LEVELS, OF_THE_REGISTRY, Level, leaves, refusals
from provisioning.authority.setting_fields import NONE, NoSuchValue, Setting, rewritten, settings
from region.web.words.settings import WORDS

EVERY = settings("station")
_words = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=12)
_span = st.fixed_dictionaries({"opens": st.just("08:00"), "closes": st.sampled_from(("12:00", "16:30", "00:00"))})
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "flag": st.booleans(), "text": _words, "list": st.lists(_words, max_size=3),
    "spans": st.lists(_span, max_size=2), "number": st.integers(-999, 99_999),
    "json": st.dictionaries(_words, st.fixed_dictionaries({"priority": st.integers(0, 9)}), max_size=2),
}  # fmt: skip


def _value(one: Setting) -> st.SearchStrategy[Any]:
    if one.kind == "choice":
        return st.sampled_from(one.choices) if one.choices else _words
    return _VALUES[one.kind]


def setting(name: str) -> Setting:
    return next(one for one in EVERY if one.name == name)


def test_every_value_of_a_config_belongs_to_one_setting() -> None:
    """What somebody adds to the config stands in the form by itself."""
    config = encode(Config())
    for path, value in leaves(config):
        if value == {}:  # an object of which nothing is said
            assert any(one.path[: len(path)] == path for one in EVERY), path
            continue
        owners = [one for one in EVERY if path[: len(one.path)] == one.path]
        assert len(owners) == (0 if path[0] in OF_THE_REGISTRY else 1), path
    for one in EVERY:
        for language in ("en", "da"):
            assert f"web.setting.{one.name}" in WORDS[language], one.name


@pytest.mark.parametrize("language", ["en", "da"])
@pytest.mark.parametrize("one", [one for one in EVERY if one.kind == "json"], ids=lambda one: one.name)
def test_what_is_written_as_json_has_an_example_that_can_be_used_as_it_stands(one: Setting, language: Language) -> None:
    example = WORDS[language][f"web.setting.example.{one.name}"]
    document, wrong = rewritten({}, "site", {one.name: example})
    assert wrong == {}
    assert one.at(document) == json.loads(example)
    assert refusals("site", document) == {}


@pytest.mark.parametrize("level", LEVELS)
def test_a_layer_is_offered_what_it_may_say(level: Level) -> None:
    names = {one.path[0] for one in settings(level)}
    assert ("auto_answer" in names) == (level == "station")
    default = encode(Config())
    for one in settings(level):
        if (value := one.at(default)) is not None:
            document, wrong = rewritten({}, level, {one.name: one.text(value)})
            assert wrong == {}
            assert refusals(level, document) == {}, one.name


@given(st.sampled_from(EVERY).flatmap(lambda one: st.tuples(st.just(one), _value(one))))
def test_what_is_written_is_read_again(both: tuple[Setting, Any]) -> None:
    one, value = both
    assert one.read(one.text(value), value) == value
    assert one.read("  ") is None


@given(st.sampled_from(EVERY), st.text(max_size=30))
def test_anything_typed_is_a_value_or_refused(one: Setting, text: str) -> None:
    try:
        value = one.read(text)
    except NoSuchValue:
        return
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [("volume", "loud"), ("volume", "1e3"), ("night.on", "maybe"), ("language", "de"), ("opening.week.mon", "8-12"),
     ("network.wifi", "[]"), ("network.wifi", "{"), ("network.wifi", '{"A": {"psk": "(set)"}}')],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_nothing_else_is_lost(name: str, text: str) -> None:
    document, wrong = rewritten({"framing": False}, "region", {name: text, "levels.ring": "30"})
    assert [*wrong] == [name]
    assert document == {"framing": False, "levels": {"ring": 30}}


def test_hyphen_is_an_empty_value_and_nothing_is_as_above() -> None:
    assert setting("opening.week.sun").read(NONE) == setting("time_servers").read(NONE) == []
    assert setting("fallback").read(NONE) == ""
    document, _ = rewritten({"volume": 3, "night": {"on": True}}, "site", {"volume": "", "night.on": " "})
    assert document == {}


def test_a_secret_is_never_shown_and_stays_unless_another_is_written() -> None:
    wifi = setting("network.wifi")
    now = {"Home": {"psk": "secret-words", "priority": 1}}
    shown = wifi.text(now)
    assert "secret-words" not in shown
    assert wifi.read(shown, now) == now
    changed = json.loads(shown) | {"Guests": {"psk": "others-words"}}
    changed["Home"]["priority"] = 5
    assert wifi.read(json.dumps(changed), now) == {
        "Home": {"psk": "secret-words", "priority": 5}, "Guests": {"psk": "others-words"}
    }  # fmt: skip
    moved = json.dumps({"Other": {"psk": HIDDEN}})
    with pytest.raises(NoSuchValue, match="no secret to keep"):
        wifi.read(moved, now)
    decode(Config, {"network": {"wifi": wifi.read(shown, now)}})


def test_a_field_of_a_newer_region_survives_a_save() -> None:
    document, wrong = rewritten({"hologram": {"on": True}, "volume": 5}, "site", {"volume": "6"})
    assert (document, wrong) == ({"hologram": {"on": True}, "volume": 6}, {})
