"""What can be set at a station: forms, what values must be to each other, secrets; and what a station makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from device.agent import desired
from device.agent.desired import APPLIED, UNSUPPORTED, InForce, consider
from messaging.codec import decode, encode
from messaging.errors import MalformedMessage
from messaging.settings import HIDDEN, objections, redacted
from messaging.twin import Config

_EAP = {"method": "peap", "identity": "st", "password": "hunter2", "ca": "-----BEGIN CERTIFICATE-----", "server": "r"}
_WIFI = {"psk": "a passphrase"}


@pytest.mark.parametrize(
    "wanted",
    [
        {"night": {"begins": "7:00"}}, {"night": {"ends": "07:60"}}, {"opening": {"closed": ["2026-02-30"]}},
        {"opening": {"closed": ["20260201"]}}, {"time_servers": ["ntp example"]}, {"time_servers": ["-ntp.example"]},
        {"time_servers": ["a"] * 5}, {"network": {"country": "dk"}},
        {"network": {"wired": {"ip": {"address": "10.0.0.5"}}}},
        {"network": {"wired": {"ip": {"gateway": "10.0.0.256"}}}}, {"network": {"proxy": {"url": "http://a:b@c:1"}}},
        {"network": {"proxy": {"url": "http://proxy.example"}}}, {"network": {"proxy": {"url": "ftp://p:1"}}},
        {"network": {"wired": {"eap": {"ca": "not PEM"}}}}, {"levels": {"ring": 101}}, {"telemetry": {"health_s": 1}},
        {"update_ring": "yolo"}, {"log_level": "all"}, {"fallback": "line\nbreak"}, {"fallback_phone": "call me"},
        {"network": {"wifi": {str(n): _WIFI for n in range(9)}}}, {"network": {"wifi": {"S": {"psk": "é" * 9}}}},
    ],
)  # fmt: skip
def test_a_value_of_another_form_is_no_config(wanted: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        decode(Config, wanted)


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ({"night": {"on": True, "begins": "22:00", "ends": "22:00"}}, "night"),
        ({"auto_answer": {"on": True, "consent_by": "x", "consent_until": "2027-01-01"}}, "auto_answer"),
        ({"opening": {"week": {"mon": [{"opens": "10:00", "closes": "09:00"}]}}}, "opening.week"),
        ({"opening": {"week": {"tue": [{"opens": "08:00", "closes": "12:00"}, {"opens": "11:00", "closes": "15:00"}]}}},
         "opening.week"),
        ({"network": {"wifi": {"Open": {}}}}, "network.wifi.Open"),
        ({"network": {"wifi": {"Both": {**_WIFI, "eap": _EAP}}}}, "network.wifi.Both"),
        ({"network": {"wifi": {"æ" * 17: _WIFI}}}, "network"),
        ({"network": {"wired": {"eap": {**_EAP, "ca": ""}}}}, "network.wired.eap"),
        ({"network": {"wired": {"eap": {**_EAP, "password": ""}}}}, "network.wired.eap"),
        ({"network": {"wired": {"ip": {"address": "10.0.0.5/24", "gateway": "10.0.1.1"}}}}, "network.wired.ip"),
        ({"network": {"wired": {"ip": {"gateway": "10.0.1.1"}}}}, "network.wired.ip"),
    ],
)  # fmt: skip
def test_values_that_do_not_go_together_are_named_by_their_part(wanted: dict[str, Any], where: str) -> None:
    assert [".".join(path) for path, _ in objections(decode(Config, wanted))] == [where]


@pytest.mark.parametrize(
    "wanted",
    [
        {}, {"network": {"wifi": {"Solgården 5": _WIFI, "Old": {"use": False}}, "wired": {"eap": _EAP}}},
        {"network": {"wired": {"ip": {"address": "10.0.0.5/24", "gateway": "10.0.0.1", "dns": ["10.0.0.1", "::1"]}}}},
        {"opening": {"week": {"mon": [{"opens": "08:00", "closes": "12:00"}, {"opens": "12:00", "closes": "00:00"}]}}},
        {"night": {"on": True}, "time_servers": ["ntp.example", "10.0.0.1", "fe80::1"]},
    ],
)  # fmt: skip
def test_what_belongs_together_is_objected_to_by_nobody(wanted: dict[str, Any]) -> None:
    assert list(objections(decode(Config, wanted))) == []


def test_secrets_do_not_leave_by_the_report_the_log_or_the_screen() -> None:
    config = decode(Config, {"network": {"wifi": {"S": {"psk": "hunter2hunter2"}}, "wired": {"eap": _EAP}}})
    assert "hunter2" not in repr(config)
    assert "hunter2" not in str(encode(redacted(config)))
    assert redacted(config).network.wifi["S"].psk == HIDDEN
    assert redacted(Config()) == Config()


def test_what_is_shown_without_its_secrets_can_be_read_and_is_taken_from_nobody() -> None:
    config = decode(Config, {"network": {"wifi": {"S": {"psk": "hunter2hunter2"}, "E": {"eap": _EAP}}}})
    shown = decode(Config, encode(redacted(config)))
    assert shown == redacted(config), "screen and region read what the station tells"
    assert {path[-1] for path, _ in objections(shown)} == {"S", "eap"}


def test_what_a_station_does_not_carry_out_yet_it_says_and_works_by_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desired, "APPLIED", APPLIED - {"fallback"})
    wanted = {"volume": 30, "fallback": "Vagtlægen"}
    verdict = consider(InForce(), {"version": 1, "config": wanted})
    assert verdict.refused == {"fallback": UNSUPPORTED}
    assert verdict.in_force.config == Config(volume=30)
    assert consider(InForce(), {"version": 1, "config": encode(Config())}).refused == {}


def test_newer_software_makes_more_of_the_same_document() -> None:
    """The same version again, of which the station now understands more, is no other content."""
    document = {"volume": 30, "clinic": "A"}
    old = InForce(3, Config(volume=30), document)
    verdict = consider(old, {"version": 3, "config": document})
    assert (verdict.refused, verdict.in_force.config.clinic) == ({}, "A")
    other = consider(old, {"version": 3, "config": {"volume": 30, "clinic": "B"}})
    assert list(other.refused) == ["document"]


def test_what_a_newer_region_says_survives_on_the_station_s_disk() -> None:
    verdict = consider(InForce(), {"version": 1, "config": {"teleport": {"to": "moon"}}})
    assert decode(InForce, encode(verdict.in_force)).document == {"teleport": {"to": "moon"}}


def test_a_refusal_says_where_in_the_field_and_repeats_no_key_of_the_document() -> None:
    wanted = {"night": {"begins": "late"}, "network": {"wifi": {"hunter2": {"psk": "x"}}}}
    refused = consider(InForce(), {"version": 1, "config": wanted}).refused
    assert refused["night"] == "begins: expected a time of day such as 08:00"
    assert refused["network"].startswith("wifi.psk: expected 8 to 63")
    assert "hunter2" not in str(refused)
