"""What can be set is described for those who set it, all of it, and with the default that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from device.agent.desired import APPLIED
from messaging.settings import Network, Week
from messaging.twin import Config

PAGE = (Path(__file__).parents[2] / "docs/operations/settings.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)`", PAGE))


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every value of a config, by its dotted name; a network's parts are described under its own."""
    for one in fields(value):  # type: ignore[arg-type]
        inner, name = getattr(value, one.name), f"{path}{one.name}"
        if is_dataclass(inner) and not isinstance(inner, Week) and not isinstance(value, Network):
            yield from leaves(inner, f"{name}.")
        else:
            yield name, inner


LEAVES = dict(leaves(Config()))


def test_every_setting_is_described_and_nothing_else_is() -> None:
    week = {f"opening.week.{day}" for day in ("mon", "sun")}
    assert set(LEAVES) - {"opening.week"} <= NAMED | week
    assert week <= NAMED
    told = {name for name in NAMED if name.split(".")[0] in {one.name for one in fields(Config)} and "." in name}
    assert told - week <= set(LEAVES)


@pytest.mark.parametrize(
    "name", ["volume", "levels.ring", "levels.prompts", "levels.light", "screen.brightness", "night.volume",
             "night.brightness", "sound.boost_db"]
)  # fmt: skip
def test_the_default_that_is_told_is_the_one_that_holds(name: str) -> None:
    assert re.search(rf"^\| `{re.escape(name)}` \| {LEAVES[name]} \|", PAGE, re.MULTILINE), name


def test_a_station_carries_out_all_that_can_be_set() -> None:
    assert {one.name for one in fields(Config)} == APPLIED
