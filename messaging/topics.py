"""Every MQTT topic is built and parsed here, nowhere else.

The tree of one station::

    vs/1/d/<station>/up/conn/<process>        retained, and the Will
    vs/1/d/<station>/up/birth                 full snapshot on connect and on rebirth
    vs/1/d/<station>/up/m/<type>              measurement
    vs/1/d/<station>/up/e/<type>              event
    vs/1/d/<station>/up/reported              config in force, and what was refused
    vs/1/d/<station>/up/cmd/<type>/<cid>      a command's progress
    vs/1/d/<station>/up/call/<call>           signalling from the station
    vs/1/d/<station>/dn/desired               retained, versioned
    vs/1/d/<station>/dn/cmd/<type>/<cid>      not retained, expiring
    vs/1/d/<station>/dn/call/<call>           signalling to the station
    vs/1/d/<station>/dn/rebirth
    vs/1/d/<station>/dn/conn/<process>        is it there? it says its up/conn anew
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from messaging.errors import MalformedMessage
from messaging.health import EventType, MeasurementType
from messaging.status import Process

ROOT = "vs/1/d"
STATION_ID = re.compile(r"[a-z0-9-]{8,40}")
_WORD = re.compile(r"[a-z0-9_-]{1,64}")

# What follows up/ or dn/, and the words after it: for each place those that this version says there, or any one.
_ANY = ("+",)
_BRANCHES: Mapping[str, Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "up": {
        "conn": (get_args(Process),), "birth": (), "m": (get_args(MeasurementType),), "e": (get_args(EventType),),
        "reported": (), "cmd": (_ANY, _ANY), "call": (_ANY,),
    },
    "dn": {"desired": (), "cmd": (_ANY, _ANY), "call": (_ANY,), "rebirth": (),
        "conn": (get_args(Process),),
    },
}  # fmt: skip
_RETAINED = re.compile(rf"{ROOT}/[^/]+/(up/conn/[^/]+|dn/desired)")

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
        places = _BRANCHES.get(self.direction, {}).get(self.branch)
        # Another version may have another word there: whether it is known is for whoever takes the message.
        if places is None or len(places) != len(self.words) or not all(map(_WORD.fullmatch, self.words)):
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
    return (
        down(station, "desired"),
        f"{ROOT}/{station}/dn/cmd/#",
        down(station, "rebirth"),
        down(station, "conn", "agent"),
    )


def call_subscriptions(station: str) -> tuple[str, ...]:
    """The filters station-call listens on."""
    return (f"{ROOT}/{station}/dn/call/+", down(station, "conn", "call"))


def station_subscriptions(station: str) -> tuple[str, ...]:
    """The filter of all that one station says."""
    return (f"{ROOT}/{station}/up/#",)


def region_subscriptions(group: str = "") -> tuple[str, ...]:
    """The filter of the region's ingest; with a group, a shared subscription."""
    everything = f"{ROOT}/+/up/#"
    return (f"$share/{group}/{everything}" if group else everything,)


def retained_topics(station: str) -> tuple[str, ...]:
    """Everything of one station that is there to stay at the broker."""
    return (*(up(station, "conn", process) for process in get_args(Process)), down(station, "desired"))


def is_retained(topic: str) -> bool:
    """Whether what is said on this topic is there to stay at the broker; anything else is said once."""
    return _RETAINED.fullmatch(topic) is not None


def may_write(station: str, topic: str) -> bool:
    """Whether that station has this topic to write: the same as `acl_patterns`, asked of one."""
    try:
        said = parse(topic)
    except MalformedMessage:
        return False
    if (said.station, said.direction) != (station, "up"):
        return False
    return all(
        place == _ANY or word in place for place, word in zip(_BRANCHES["up"][said.branch], said.words, strict=True)
    )


def acl_patterns() -> tuple[str, ...]:
    """The mosquitto ACL patterns that cover every station (%u is the certificate's CN).

    It reads its own branch, and writes the topics that a station has: only where the id of a call or of a command
    stands is there no end of names under which something could be retained.
    """
    writes = ("/".join((branch, *words)) for branch, places in _BRANCHES["up"].items()
              for words in itertools.product(*places))  # fmt: skip
    return (f"pattern read {ROOT}/%u/dn/#", *(f"pattern write {ROOT}/%u/up/{one}" for one in writes))


def acl_denials() -> tuple[str, ...]:
    """What a CN with slashes would open of another's branch, shut for everybody but the region.

    mosquitto refuses a CN with `+` or `#`, but puts a slash into the pattern as it is: `<another>/dn/cmd` could write
    `<another>/dn/cmd/up/...`. No branch, type or id of ours is called `up`.
    """
    return tuple(f"pattern deny {ROOT}/+/+/{'+/' * deeper}up/#" for deeper in range(3))
