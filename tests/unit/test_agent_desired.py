"""Desired config: what comes into force, what is refused, and what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.agent.config_store import ConfigStore
from device.agent.desired import InForce, Verdict, consider
from device.agent.trial import Journal, TakenBack
from messaging.codec import encode
from messaging.envelope import Sealer, open_envelope
from messaging.errors import MalformedMessage
from messaging.twin import Config, Desired

NOTHING = InForce()
FIVE = InForce(5, Config(clinic="Lægehuset", volume=40))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=100),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)


def _desired(version: int, **fields: Any) -> dict[str, Any]:
    return {"version": version, "config": fields}


def test_a_newer_config_comes_into_force() -> None:
    wanted = Config("Lægehuset", "70 10 20 30", "Solgården", "Stue 4", "en", 55)
    verdict = consider(FIVE, encode(Desired(6, wanted)))
    assert verdict == Verdict(InForce(6, wanted), {})


def test_what_the_document_leaves_out_has_its_default() -> None:
    assert consider(FIVE, _desired(6, clinic="A")).in_force.config == Config(clinic="A")


@pytest.mark.parametrize("version", [1, 4])
def test_an_older_config_is_ignored_and_reported(version: int) -> None:
    verdict = consider(FIVE, _desired(version, clinic="B"))
    assert verdict.in_force == FIVE
    assert verdict.refused == {"document": f"version {version} is older than 5, which is in force"}


def test_the_same_config_again_is_nothing_new() -> None:
    assert consider(FIVE, encode(Desired(5, FIVE.config))) == Verdict(FIVE, {})


def test_the_same_version_with_other_content_is_refused() -> None:
    verdict = consider(FIVE, _desired(5, clinic="B"))
    assert verdict.in_force == FIVE
    assert verdict.refused == {"document": "version 5 is in force with other content"}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("volume", 400, "not between 0 and 100"),
        ("volume", "loud", "expected a number"),
        ("language", "klingon", "expected one of da, en"),
        ("clinic", "x" * 81, "longer than 80 characters"),
        ("clinic", 7, "expected a text"),
        ("station", "one\ntwo", "a character that cannot be shown"),
        ("site", "\u202etfel", "a character that cannot be shown"),
        ("phone", "call me", "expected a telephone number"),
    ],
)
def test_a_field_that_is_not_valid_keeps_its_value_and_the_rest_comes_into_force(
    field: str, value: object, reason: str
) -> None:
    wanted = {"clinic": "B", "volume": 30, field: value}
    verdict = consider(FIVE, _desired(6, **wanted))
    assert verdict.refused == {field: reason}
    assert getattr(verdict.in_force.config, field) == getattr(FIVE.config, field)
    assert verdict.in_force.version == 6
    assert verdict.in_force.config.clinic == (FIVE.config.clinic if field == "clinic" else "B")


def test_a_refused_field_stays_refused_when_the_document_comes_again() -> None:
    first = consider(FIVE, _desired(6, volume=400))
    assert consider(first.in_force, _desired(6, volume=400)) == first


def test_fields_of_a_newer_region_are_passed_over() -> None:
    assert consider(NOTHING, _desired(1, clinic="A", teleport=True)).refused == {}


@pytest.mark.parametrize(
    "data",
    [{}, {"version": 0, "config": {}}, {"version": 1}, {"version": "1", "config": {}}, {"version": 1, "config": []}],
)
def test_what_is_no_document_is_refused_whole(data: dict[str, Any]) -> None:
    verdict = consider(FIVE, data)
    assert verdict.in_force == FIVE
    assert list(verdict.refused) == ["document"]


@given(st.dictionaries(st.sampled_from(["version", "config", "x"]), _JSON | st.dictionaries(
    st.sampled_from(["clinic", "phone", "site", "station", "language", "volume"]), _JSON)))  # fmt: skip
def test_nothing_makes_the_version_fall_or_a_value_invalid(data: dict[str, Any]) -> None:
    verdict = consider(FIVE, data)
    assert verdict.in_force.version >= FIVE.version
    again = consider(InForce(0), encode(Desired(verdict.in_force.version, verdict.in_force.config)))
    assert again == Verdict(verdict.in_force, {})


def test_no_refusal_repeats_what_was_sent() -> None:
    secret = "0101901234 https://evil.example"
    refused = consider(FIVE, _desired(6, clinic=secret * 9, phone=secret, language=secret, volume=secret)).refused
    assert len(refused) == 4
    assert secret not in str(refused)


def test_config_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    assert ConfigStore(path).load() == Journal()
    for journal in (
        Journal(FIVE),
        Journal(
            InForce(6, Config(clinic="B"), {"clinic": "B"}), FIVE, "no_clinic", 2, TakenBack(4, "link lost", 2, False)
        ),
        Journal(FIVE, station="st-abc12345"),
    ):
        ConfigStore(path).save(journal)
        assert ConfigStore(path).load() == journal
        assert ConfigStore(path).load().in_force.document == journal.in_force.document


def test_a_document_as_deep_as_it_may_come_is_read_again(tmp_path: Path) -> None:
    journal = Journal(InForce(7), InForce(6, Config(), _deepest()))
    assert journal.good is not None
    ConfigStore(tmp_path / "config.json").save(journal)
    assert ConfigStore(tmp_path / "config.json").load().good == journal.good


def _deepest() -> dict[str, Any]:
    """A config as deep as an envelope may bring it."""
    sealer, config = Sealer(lambda: 0.0, lambda: 0.0), dict[str, Any]()
    while True:
        deeper = {"x": config}
        try:
            open_envelope(sealer.seal({"version": 6, "config": deeper}))
        except MalformedMessage:
            return config
        config = deeper


def test_a_file_from_before_there_were_trials_is_the_good_config(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"version": 5, "config": {"clinic": "Lægehuset", "volume": 40}, "document": {}}')
    assert ConfigStore(path).load() == Journal(FIVE)


@pytest.mark.parametrize("content", [b"", bytes(200), b'{"version": -1, "config": {}}', b"[]", b"{"])
def test_a_damaged_config_file_waits_for_the_region_s_and_says_so(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    assert ConfigStore(path).load() == Journal()
    assert "cannot be used" in caplog.text
