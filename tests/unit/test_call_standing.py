"""What station-call goes by while the agent is away."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from device.call.standing import mqtt_link, read_config, read_identity
from messaging.clock import ManualClock
from messaging.link.mqtt import MqttLink
from messaging.twin import Config

IDENTITY = {"station": "st-00000001", "broker": "region.example:8403", "url": "https://region.example:8402"}


def test_without_files_it_is_nobody_and_works_by_the_defaults(tmp_path: Path) -> None:
    assert (read_identity(tmp_path), read_config(tmp_path)) == (None, Config())


def test_the_last_good_config_is_in_force(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"version": 4, "config": {"clinic": "Doctors Demo", "volume": 40}}')
    assert read_config(tmp_path) == Config(clinic="Doctors Demo", volume=40)


@pytest.mark.parametrize("text", ["", "{", '{"version": 0, "config": {}}', '{"version": 1}', "\x00"])
def test_a_damaged_config_is_said_and_the_defaults_hold(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "config.json").write_text(text)
    with caplog.at_level(logging.ERROR):
        assert read_config(tmp_path) == Config()
    assert "config.json cannot be used" in caplog.text


def test_an_identity_is_read(tmp_path: Path) -> None:
    (tmp_path / "identity.json").write_text(json.dumps(IDENTITY))
    identity = read_identity(tmp_path)
    assert identity is not None
    assert (identity.station, identity.broker) == ("st-00000001", "region.example:8403")


@pytest.mark.parametrize("damage", [{"broker": "nowhere"}, {"broker": "host:0"}, {"station": 7}])
def test_a_damaged_identity_is_said_and_is_none(
    tmp_path: Path, damage: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "identity.json").write_text(json.dumps({**IDENTITY, **damage}))
    with caplog.at_level(logging.ERROR):
        assert read_identity(tmp_path) is None
    assert "the identity cannot be read" in caplog.text


def test_the_link_is_the_calls_own_client(tmp_path: Path) -> None:
    (tmp_path / "identity.json").write_text(json.dumps(IDENTITY))
    identity = read_identity(tmp_path)
    assert identity is not None
    link = mqtt_link(identity, tmp_path, ManualClock())((), lambda: ("t", b""))
    assert isinstance(link, MqttLink)
    assert (link._settings.client_id, link._settings.host, link._settings.port) == (
        "st-00000001-call", "region.example", 8403,
    )  # fmt: skip
