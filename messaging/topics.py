"""Every MQTT topic is built and parsed here, nowhere else.

The tree of one station::

    vs/1/d/<station>/up/conn/<process>        retained, and the Will
    vs/1/d/<station>/up/birth                 full snapshot on connect and on rebirth
    vs/1/d/<station>/up/m/<type>              measurement
    vs/1/d/<station>/up/e/<type>              event
    vs/1/d/<station>/up/a/<alarm>             alarm transition
    vs/1/d/<station>/up/reported              config in force, and what was refused
    vs/1/d/<station>/up/cmd/<type>/<cid>      a command's progress
    vs/1/d/<station>/up/call/<call>           signalling from the station
    vs/1/d/<station>/dn/desired               retained, versioned
    vs/1/d/<station>/dn/cmd/<type>/<cid>      not retained, expiring
    vs/1/d/<station>/dn/call/<call>           signalling to the station
    vs/1/d/<station>/dn/rebirth
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from messaging.errors import MalformedMessage

ROOT = "vs/1/d"
STATION_ID = re.compile(r"[a-z0-9-]{8,40}")
_WORD = re.compile(r"[a-z0-9_-]{1,64}")

# What follows up/ or dn/, with the number of words after it.
_BRANCHES: dict[str, dict[str, int]] = {
    "up": {"conn": 1, "birth": 0, "m": 1, "e": 1, "a": 1, "reported": 0, "cmd": 2, "call": 1},
    "dn": {"desired": 0, "cmd": 2, "call": 1, "rebirth": 0},
}

Direction = Literal["up", "dn"]


@dataclass(frozen=True)
class Topic:
    """One station's topic: `Topic("st-abc12345", "up", "call", ("c1",))`; `str()` gives the wire form."""

    station: str
    direction: Direction
    branch: str
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not STATION_ID.fullmatch(self.station):
            raise MalformedMessage("topic: not a station id")
        count = _BRANCHES.get(self.direction, {}).get(self.branch)
        if count is None or count != len(self.words) or not all(map(_WORD.fullmatch, self.words)):
            raise MalformedMessage("topic: not one of ours")

    def __str__(self) -> str:
        return "/".join((ROOT, self.station, self.direction, self.branch, *self.words))


def parse(text: str) -> Topic:
    """Read a topic's wire form, or raise MalformedMessage."""
    parts = text.split("/")
    if len(parts) < 6 or "/".join(parts[:3]) != ROOT or parts[4] not in _BRANCHES:
        raise MalformedMessage("topic: not one of ours")
    direction: Direction = "up" if parts[4] == "up" else "dn"
    return Topic(parts[3], direction, parts[5], tuple(parts[6:]))


def up(station: str, branch: str, *words: str) -> str:
    """A topic the station writes."""
    return str(Topic(station, "up", branch, words))


def down(station: str, branch: str, *words: str) -> str:
    """A topic the region writes."""
    return str(Topic(station, "dn", branch, words))


def agent_subscriptions(station: str) -> tuple[str, ...]:
    """The filters station-agent listens on."""
    return (down(station, "desired"), f"{ROOT}/{station}/dn/cmd/#", down(station, "rebirth"))


def call_subscriptions(station: str) -> tuple[str, ...]:
    """The filters station-call listens on."""
    return (f"{ROOT}/{station}/dn/call/+",)


def region_subscriptions(group: str = "") -> tuple[str, ...]:
    """The filter of the region's ingest; with a group, a shared subscription."""
    everything = f"{ROOT}/+/up/#"
    return (f"$share/{group}/{everything}" if group else everything,)


def acl_patterns() -> tuple[str, ...]:
    """The two mosquitto ACL patterns that cover every station (%u is the certificate's CN)."""
    return (f"pattern write {ROOT}/%u/up/#", f"pattern read {ROOT}/%u/dn/#")


def acl_denials() -> tuple[str, ...]:
    """What a CN with slashes would open of another's branch, shut for everybody but the region.

    mosquitto refuses a CN with `+` or `#`, but puts a slash into the pattern as it is: `<another>/dn/cmd` could write
    `<another>/dn/cmd/up/...`. No branch, type or id of ours is called `up`.
    """
    return tuple(f"pattern deny {ROOT}/+/+/{'+/' * deeper}up/#" for deeper in range(3))
