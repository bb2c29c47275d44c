"""What station-call goes by before the agent has spoken, and while it is away: identity and last good config."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from device.call.signalling import MakeLink
from messaging.clock import Clock
from messaging.codec import Range, decode
from messaging.enrolment import split_address
from messaging.envelope import parse_json
from messaging.errors import MalformedMessage, MessageError
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.local import LOCK
from messaging.twin import MOST_CONFIG_BYTES, Config
from provisioning.station.errors import StateUnusable
from provisioning.station.keystore import Identity, Keystore

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standing:
    """The config that station-call works by, and its version; 0: none has been desired."""

    version: Annotated[int, Range(0, 2**53)] = 0
    config: Config = field(default_factory=Config)


def read_identity(state_dir: Path) -> Identity | None:
    """Who this station is; None when it is not enrolled, or (said in the log) when that cannot be read."""
    try:
        identity = Keystore(state_dir).identity()
        if identity is not None:
            split_address(identity.broker)
        return identity
    except (StateUnusable, MalformedMessage) as error:
        _log.error("the identity cannot be read: %s", error)
        return None


def is_nobody(state_dir: Path) -> bool:
    """Whether there is no identity: not one that cannot be read just now, but none."""
    return not (state_dir / "identity.json").exists()


def is_locked(state_dir: Path) -> bool:
    """Whether the region has put this station out of use."""
    return (state_dir / LOCK).exists()


def certificate_stamp(state_dir: Path) -> int | None:
    """Changes when the certificate is replaced, as a renewal does; None when there is none."""
    try:
        return Keystore(state_dir).certificate.stat().st_mtime_ns
    except OSError:
        return None


def read_config(state_dir: Path) -> Standing:
    """The config in force; the default one (said in the log, if there should be another) when there is none."""
    path = state_dir / "config.json"
    try:
        return decode(Standing, parse_json(path.read_bytes(), MOST_CONFIG_BYTES))
    except FileNotFoundError:
        return Standing()
    except (OSError, MessageError) as error:
        _log.error("%s cannot be used: %s", path, error)
        return Standing()


def mqtt_link(identity: Identity, state_dir: Path, clock: Clock) -> MakeLink:
    """The call's own client of the broker, with the station's certificate."""
    keystore = Keystore(state_dir)
    host, port = split_address(identity.broker)
    client_id = keystore.client_id(identity.station, "call")
    settings = MqttSettings(host, port, client_id, keystore.ca, keystore.certificate, keystore.key)
    return lambda subscriptions, will: MqttLink(settings, subscriptions, will, clock)
