"""What station-call goes by while the agent is away."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from device.agent.commands.lasting import Lasting
from device.agent.config_store import ConfigStore
from device.agent.desired import InForce
from device.agent.trial import Journal, TakenBack
from device.call.standing import Standing, is_locked, mqtt_link, read_config, read_identity
from messaging.link.mqtt import MqttLink
from messaging.twin import Config
from provisioning.station.documents import new_key
from provisioning.station.keystore import Keystore
from tests.kits.clock import ManualClock

IDENTITY = {"station": "st-00000001", "broker": "region.example:8403", "url": "https://region.example:8402"}


def test_without_files_it_is_nobody_and_works_by_the_defaults(tmp_path: Path) -> None:
    assert (read_identity(tmp_path), read_config(tmp_path)) == (None, Standing())


def test_a_station_out_of_use_knows_it_before_the_agent_has_spoken(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    lasting = Lasting(tmp_path, tmp_path, ManualClock(), lambda: None)
    lasting.lock(True)
    assert is_locked(tmp_path)
    lasting.lock(False)
    assert not is_locked(tmp_path)


def test_the_config_in_force_is_what_it_works_by(tmp_path: Path) -> None:
    journal = Journal(
        InForce(4, Config(clinic="Doctors Demo", volume=40), {"x": "y" * 100_000}),
        InForce(3, Config(clinic="Another")),
        taken_back=TakenBack(2, "call failed"),
    )
    ConfigStore(tmp_path / "config.json").save(journal)
    assert read_config(tmp_path) == Standing(4, Config(clinic="Doctors Demo", volume=40))


def test_a_station_that_went_back_to_no_config_works_by_the_defaults(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ConfigStore(tmp_path / "config.json").save(Journal(taken_back=TakenBack(1, "call failed")))
    assert read_config(tmp_path) == Standing()
    assert caplog.text == ""


@pytest.mark.parametrize("text", ["", "{", '{"version": -1, "config": {}}', '{"version": 1, "config": 7}', "\x00"])
def test_a_damaged_config_is_said_and_the_defaults_hold(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "config.json").write_text(text)
    with caplog.at_level(logging.ERROR):
        assert read_config(tmp_path) == Standing()
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
    (tmp_path / "key.pem").write_bytes(new_key())
    identity = read_identity(tmp_path)
    assert identity is not None
    link = mqtt_link(identity, tmp_path, ManualClock())((), lambda: ("t", b""))
    assert isinstance(link, MqttLink)
    assert (link._settings.client_id, link._settings.host, link._settings.port) == (
        Keystore(tmp_path).client_id("st-00000001", "call"), "region.example", 8403,
    )  # fmt: skip


def test_a_key_that_cannot_be_read_is_said_and_keeps_the_button_s_process_from_nothing_but_the_link(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "identity.json").write_text(json.dumps(IDENTITY))
    (tmp_path / "key.pem").write_bytes(b"half a key")
    identity = read_identity(tmp_path)
    assert identity is not None
    assert isinstance(mqtt_link(identity, tmp_path, ManualClock())((), lambda: ("t", b"")), MqttLink)
    assert "cannot connect without its key" in caplog.text
