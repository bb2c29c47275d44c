"""Layers laid upon each other: the order, where each value came from, and what a layer may not say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.codec import encode
from messaging.settings import HIDDEN
from messaging.twin import Config
from provisioning.authority.profiles import (
    LEVELS,
    Layer,
    Level,
    config_of,
    copied,
    difference,
    hidden,
    leaves,
    merge,
    objected,
    overlay,
    put,
    refusals,
    without,
)

# As `refusals` holds it: a name is an object in every layer or in none.
_BRANCHES, _LEAVES = ("a", "b"), ("x", "y", "z")
documents = st.recursive(
    st.dictionaries(st.sampled_from(_LEAVES), st.integers(0, 3) | st.lists(st.integers(0, 1), max_size=2), max_size=3),
    lambda inner: st.builds(
        lambda leaf, branch: {**leaf, **branch},
        st.dictionaries(st.sampled_from(_LEAVES), st.integers(0, 3), max_size=2),
        st.dictionaries(st.sampled_from(_BRANCHES), inner, max_size=2),
    ),
    max_leaves=6,
)
stacks = st.dictionaries(st.sampled_from(LEVELS), documents, max_size=5).map(
    lambda said: [Layer(level, document) for level, document in said.items()]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["volume", "night", "on", "begins", "network", "wifi", "psk", "opening", "week", "mon", "x"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(documents, documents, documents)
def test_laying_upon_each_other_may_be_done_in_any_grouping(a: dict, b: dict, c: dict) -> None:
    assert overlay(overlay(a, b), c) == overlay(a, overlay(b, c))


@given(documents, documents)
def test_nothing_said_changes_nothing_and_the_layers_stay_as_they_are(a: dict, b: dict) -> None:
    before = json.dumps([a, b])
    assert overlay(a, {}) == a == overlay({}, a)
    assert overlay(a, a) == a
    overlay(a, b)
    assert json.dumps([a, b]) == before


@given(stacks)
def test_each_value_is_the_one_of_the_nearest_layer_that_says_it_and_is_told_so(layers: list[Layer]) -> None:
    merged = merge(layers)
    said = {layer.level: dict(leaves(layer.document)) for layer in layers}
    values = dict(leaves(merged.document))
    assert merged.sources.keys() == values.keys()
    for path, value in values.items():
        nearest = [level for level in LEVELS if path in said.get(level, {})][-1]
        assert merged.sources[path] == nearest
        assert said[nearest][path] == value


@given(stacks, st.randoms())
def test_layers_may_come_in_any_order(layers: list[Layer], random: Any) -> None:
    shuffled = [*layers]
    random.shuffle(shuffled)
    assert merge(shuffled) == merge(layers)


@given(documents, documents)
def test_a_difference_is_empty_for_the_same_alone_and_names_every_value(a: dict, b: dict) -> None:
    changes = difference(a, b)
    assert difference(a, a) == []
    old, new = dict(leaves(a)), dict(leaves(b))
    assert {one.path for one in changes} == {path for path in {*old, *new} if old.get(path) != new.get(path)}


@given(documents, st.integers())
def test_a_value_set_is_there_and_one_taken_away_is_not(document: dict, value: int) -> None:
    for path in [path for path, _ in leaves(document)]:
        assert dict(leaves(put(document, path, value)))[path] == value
        assert path not in dict(leaves(without(document, path)))


@pytest.mark.parametrize("level", LEVELS)
@given(anything)
def test_what_is_not_refused_is_a_config_whatever_was_sent(level: Level, document: object) -> None:
    refused = refusals(level, document)
    if not refused:
        assert isinstance(document, dict)
        config_of(document)
        objected(document)


@pytest.mark.parametrize(
    ("document", "refused"),
    [
        ([], {"document": "expected an object"}),
        ({"volume": "loud"}, {"volume": "expected a number"}),
        ({"volum": 3}, {"volum": "no such field; is volume meant?"}),
        ({"volume": None}, {"volume": "says nothing: take the field away to have what the layers above say"}),
        ({"night": 3}, {"night": "expected an object"}),
        ({"night": {"begins": "24:00"}}, {"night.begins": "expected a time of day such as 08:00"}),
        ({"network": {"wifi": {"Home": {"psk": "short"}}}},
         {"network.wifi.Home.psk": "expected 8 to 63 letters of a passphrase, or 64 hexadecimal digits"}),
        ({"network": {"wifi": {"Home": 1}}}, {"network.wifi.Home": "expected an object"}),
        ({"opening": {"week": {"mon": [{"opens": "08:00"}]}}}, {"opening.week.mon[0].closes": "missing"}),
        ({"phone": "12345678"}, {"phone": "a clinic's telephone is the clinic's: change it there"}),
    ],
)  # fmt: skip
def test_what_a_layer_may_not_say_is_refused_by_field(document: Any, refused: dict[str, str]) -> None:
    assert refusals("site", document) == refused


def test_consent_is_one_persons_and_answering_by_itself_is_never_without_it() -> None:
    wanted = {"auto_answer": {"on": True}}
    assert list(refusals("site", wanted)) == ["auto_answer"]
    assert refusals("station", wanted) == {}
    assert list(objected(wanted)) == ["auto_answer"]
    consent = {"consent_by": "the resident", "consent_recorded_by": "ivan", "consent_until": "2027-01-31"}
    assert objected({"auto_answer": {"on": True, **consent}}) == {}
    for missing in consent:
        assert objected({"auto_answer": {"on": True, **consent, missing: ""}})


def test_no_refusal_repeats_a_secret() -> None:
    document = {"network": {"wifi": {"Home": {"psk": "hunter2"}}, "proxy": {"password": 5}}, "password": "hunter2"}
    assert "hunter2" not in str(refusals("region", document))


def test_secrets_are_hidden_wherever_they_stand_and_differences_do_not_show_them() -> None:
    document = {
        "network": {"wifi": {"Home": {"psk": "hunter2hunter2"}}, "wired": {"eap": {"password": "hunter2"}},
                    "proxy": {"url": "http://p:1", "password": "hunter2"}},
        "newer": {"token": "hunter2"},
    }  # fmt: skip
    assert "hunter2" not in str(hidden(document))
    assert str(hidden(document)).count(HIDDEN) == 4
    assert "hunter2" not in str(difference({}, document))


def test_a_profile_is_copied_whole_but_for_addresses_which_stay() -> None:
    source = {"volume": 50, "network": {"country": "DK", "wired": {"ip": {"address": "10.0.0.5/24"}}}}
    target = {"language": "en", "network": {"wired": {"ip": {"address": "10.9.0.7/24", "gateway": "10.9.0.1"}}}}
    both = {"country": "DK", **target["network"]}
    assert copied(source, target) == {"volume": 50, "network": both}
    assert copied(source, target, only=["volume"]) == {"volume": 50, **target}
    assert copied(source, target, but=["network", "language"]) == {"volume": 50, **target}


def test_a_site_can_do_away_with_what_a_layer_above_gives() -> None:
    region = {"network": {"wifi": {"Old": {"psk": "a passphrase"}}}, "opening": {"week": {"sat": [
        {"opens": "09:00", "closes": "12:00"}]}}}  # fmt: skip
    site = {"network": {"wifi": {"Old": {"use": False}}}, "opening": {"week": {"sat": []}}}
    merged = merge([Layer("site", site), Layer("region", region)])
    config = config_of(merged.document)
    assert (config.network.wifi["Old"].use, config.opening.week.sat) == (False, ())
    assert merged.sources["network", "wifi", "Old", "psk"] == "region"


def test_a_config_written_out_is_the_same_read_again() -> None:
    document = {
        "opening": {"week": {"mon": [{"opens": "08:00", "closes": "00:00"}], "sun": []}, "closed": ["2026-12-24"]},
        "network": {"wifi": {"Home": {"psk": "a passphrase", "ip": {"address": "fe80::5/64"}}}},
        "time_servers": ["ntp.example", "10.0.0.1"], "log_level": "debug",
    }  # fmt: skip
    assert config_of(encode(config_of(document))) == config_of(document) != Config()
