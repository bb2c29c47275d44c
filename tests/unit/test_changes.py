"""What the log keeps of a change: from what to what, bounded, as safe text, never a secret or a resident's name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.settings import HIDDEN
from messaging.twin import Config
from provisioning.authority.marks import hints_of, mark_of
from provisioning.authority.profiles import LEVELS, Change, Level, Path, difference, hidden, recorded, refusals, shown
from region.registry.changes import (
    LONGEST,
    MOST,
    NO_CHANGES,
    of_clinic,
    of_field,
    of_layer,
    of_move,
    of_person,
    of_station,
)
from region.registry.records import Bound, Clinic, Person, Station

SECRET = "S3cr3t"
KEYS = st.sampled_from(["Home", "a.b", "password", "psk", "token", "use"])  # SSIDs, odd ones among them


def _documents(kind: type) -> st.SearchStrategy[dict[str, Any]]:
    """Documents of that part of the config, each marked value with SECRET in it, found by the schema alone."""
    return st.fixed_dictionaries(
        {}, optional={one.name: _values(hints_of(kind)[one.name], one) for one in fields(kind)}
    )


def _values(hint: Any, one: Any) -> st.SearchStrategy[Any]:
    if set(one.metadata) & {"secret", "resident"}:
        return st.text(max_size=6).map(lambda text: SECRET + text) | st.just("")
    mentioned = list(_dataclasses(hint))
    is_mapping = "dict" in str(hint).lower()
    if not mentioned:
        return st.integers(0, 9) | st.booleans() | st.text(max_size=300) | st.lists(st.text(max_size=9), max_size=60)
    inner = _documents(mentioned[0])
    if is_mapping:
        return st.dictionaries(KEYS, inner, max_size=2)
    return st.lists(inner, max_size=3) if "tuple" in str(hint) else inner


def _dataclasses(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for one in get_args(hint):
        yield from _dataclasses(one)


def _newer(documents: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """With what this version does not know, as a newer region may leave it: any of it may be a secret."""
    odd = st.text(max_size=4).map(lambda text: SECRET + text)
    objects = st.recursive(odd, lambda inner: st.dictionaries(st.just("new"), inner, min_size=1), max_leaves=3)
    places = [("new",), ("night", "new"), ("clinic", "new"), ("network",), ("network", "wifi", "Home"),
              ("network", "wifi", "Home", "new"), ("network", "wired", "eap", "ca", "new")]  # fmt: skip
    lists = st.lists(st.fixed_dictionaries({"new": odd}), min_size=1, max_size=2)
    of_lists = [("opening", "week", "mon"), ("time_servers",), ("network", "wired", "ip", "dns")]
    return st.one_of(
        st.builds(_put, documents, st.sampled_from(places), objects),
        st.builds(_put, documents, st.sampled_from(of_lists), lists),
    )


def _put(document: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    name, *rest = path
    inner = document.get(name)
    if rest:
        value = _put(inner if isinstance(inner, dict) else {}, tuple(rest), value)
    return {**document, name: value}


LAYERS = _documents(Config) | _newer(_documents(Config))


@given(LAYERS, LAYERS)
def test_no_secret_and_nothing_of_a_resident_of_any_layer_is_kept(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert SECRET not in json.dumps(of_layer(difference(before, after)).detail)
    raw = [Change(("network", "proxy", "password"), SECRET, None), Change(("auto_answer", "consent_by"), None, SECRET)]
    assert SECRET not in json.dumps(of_layer(raw).detail), "though somebody forgets to hide them before"


@given(LAYERS)
def test_whoever_sets_them_sees_what_is_of_a_resident_and_no_secret(document: dict[str, Any]) -> None:
    seen = hidden(document)
    consent = document.get("auto_answer", {}).get("consent_by")
    assert consent is None or seen["auto_answer"]["consent_by"] == consent
    seen.get("auto_answer", {}).pop("consent_by", None)
    assert SECRET not in json.dumps(seen)


def _marked(kind: type, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every marked field that there is, however deep, with its mark; a key of a mapping is `Home`."""
    for one in fields(kind):
        hint, here = hints_of(kind)[one.name], (*path, one.name)
        yield from ((here, mark) for mark in one.metadata if one.metadata[mark])
        for inner in _dataclasses(hint):
            yield from _marked(inner, (*here, "Home") if "dict" in str(hint) else here)


def test_every_marked_field_is_found_by_its_path_and_every_mark_is_known() -> None:
    marked = dict(_marked(Config))
    assert {"network.wifi.Home.psk", "network.wired.eap.password", "network.proxy.password"} <= {
        ".".join(p) for p in marked
    }
    assert {path: mark_of(path, "x") for path in marked} == marked
    assert set(marked.values()) == {"secret", "resident"}


@pytest.mark.parametrize(
    ("path", "value", "mark"),
    [
        (("volume",), 40, "open"),
        (("network", "wifi", "password", "hidden"), True, "open"),
        (("network", "wifi", "Home"), {}, "open"),
        (("network", "wifi", "Home"), "x", "unknown"),
        (("opening", "week", "mon"), [{"opens": "08:00", "closes": "12:00"}], "open"),
        (("opening", "week", "mon"), [{"opens": "08:00", "code": "1234"}], "unknown"),
        (("volume", "deep"), 1, "unknown"),
        (("key",), "x", "unknown"),
        (("network", "wired", "eap", "identity"), "host/st-1", "open"),
    ],
)
def test_the_schema_marks_and_no_name_is_guessed_at(path: Path, value: object, mark: str) -> None:
    assert mark_of(path, value) == mark
    assert (shown(path, value) == HIDDEN) is (mark == "unknown")


def test_what_was_never_said_or_empty_is_not_told_as_hidden() -> None:
    psk = ("network", "wifi", "Home", "psk")
    assert [recorded(psk, value) for value in (None, "", HIDDEN, "a passphrase")] == [None, "", HIDDEN, HIDDEN]


@given(LAYERS, LAYERS)
def test_what_is_kept_is_bounded_and_of_one_line(before: dict[str, Any], after: dict[str, Any]) -> None:
    changes = difference(before, after)
    kept = of_layer(changes)
    assert len(kept.told) + kept.more == len(changes)
    assert len(kept.told) <= MOST
    for one in kept.told:
        for value in (one["before"], one["after"]):
            text = value if isinstance(value, str) else value["start"] if isinstance(value, dict) and value else ""
            assert len(text) <= LONGEST
            assert text.isprintable()
            assert len(json.dumps(value, ensure_ascii=False)) <= LONGEST * 2 + 100


def test_a_value_too_long_says_so_and_can_be_held_against_what_somebody_has() -> None:
    pem = "-----BEGIN CERTIFICATE-----\n" + "M" * 8000
    (one,) = of_layer([Change(("network", "wired", "eap", "ca"), None, pem)]).told
    assert one["before"] is None
    digest = hashlib.sha256(pem.encode()).hexdigest()
    assert one["after"] == {
        "start": pem[:LONGEST].replace("\n", " "), "length": len(pem), "sha256": digest[:16]
    }  # fmt: skip
    (other,) = of_layer([Change(("network", "wired", "eap", "ca"), pem, pem + "N")]).told
    assert other["before"]["sha256"] != other["after"]["sha256"], "alike where they begin"


def test_more_fields_than_a_row_holds_are_counted() -> None:
    changes = [Change(("network", "wifi", f"Home {number:03}", "hidden"), None, True) for number in range(MOST + 7)]
    assert of_layer(changes).detail["more"] == 7
    assert [one["field"] for one in of_layer(changes).detail["changes"]][
        -1
    ] == f"network.wifi.Home {MOST - 1:03}.hidden"


STATION = Station("st-00000001", "Stue 4", 1, "Solgården", 1, "Bakken", "", "da", 70, 3, 3, 0.0)
PERSON = Person(1, "sara", "Sara", "", "site_staff", None, "", None, True, True, 0.0, sites=(Bound(1, "Solgården"),))


def test_a_station_a_clinic_and_a_person_are_told_of_in_the_same_form() -> None:
    after = replace(STATION, volume=40, clinic="", room="Stue 9", desired_version=4)
    assert of_station(STATION, after).detail == {"changes": [
        {"field": "clinic", "before": "Bakken", "after": ""}, {"field": "volume", "before": 70, "after": 40},
    ]}  # fmt: skip
    clinic = Clinic(1, "Bakken", "12 34", 0.0)
    assert of_clinic(clinic, replace(clinic, phone="56 78")).told == (
        {"field": "phone", "before": "12 34", "after": "56 78"},
    )
    moved = replace(PERSON, role="clinician", clinic="Bakken", sites=(), title="Sygeplejerske")
    assert [(one["field"], one["before"], one["after"]) for one in of_person(PERSON, moved).told] == [
        ("role", "site_staff", "clinician"), ("clinic", "", "Bakken"), ("title", "", "Sygeplejerske"),
        ("sites", ["Solgården"], []),
    ]  # fmt: skip
    assert of_field("name", "Stue 4", "Stue 5").told == ({"field": "name", "before": "Stue 4", "after": "Stue 5"},)


def test_nothing_changed_is_nothing_told() -> None:
    assert not of_station(STATION, replace(STATION, desired_version=9, room="Stue 9"))
    assert not of_move(STATION, replace(STATION, name="Stue 9"))
    assert (of_layer([]), NO_CHANGES.detail) == (NO_CHANGES, {})


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_may_say_what_is_marked_as_before(level: Level) -> None:
    """A mark says who may see it, not who may set it."""
    document = {"network": {"wifi": {"Home": {"psk": "a passphrase"}}}}
    assert refusals(level, document) == {}
