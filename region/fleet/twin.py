"""What a station should work by beside what it says it works by: each setting, and whose word it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from messaging.codec import decode, encode
from messaging.twin import Config, Reported
from provisioning.authority.profiles import OF_THE_REGISTRY, Document, Merged
from provisioning.authority.setting_fields import Setting, settings
from region.fleet.standing import Level
from region.web.settings_told import SettingTeller, source_of


@dataclass(frozen=True)
class TwinLine:
    """One setting. `in_force` is empty while the station has said nothing; `refused` is its reason, in words."""

    name: str
    wanted: str
    source: str
    in_force: str
    refused: str
    level: Level


def twin_lines(
    wanted: Document, merged: Merged, reported: Reported | None, teller: SettingTeller
) -> tuple[list[TwinLine], int]:
    """The settings that somebody has said, or that are not as wanted; and how many others are at their default.

    `wanted` is the whole config as it travels, `merged` what the layers say of it.
    """
    lines = [*_lines(wanted, merged, reported, teller)]
    told = [line for quiet, line in lines if not quiet]
    return told, len(lines) - len(told)


def _lines(
    wanted: Document, merged: Merged, reported: Reported | None, teller: SettingTeller
) -> Iterator[tuple[bool, TwinLine]]:
    in_force = None if reported is None else encode(reported.config)
    meant = encode(decode(Config, dict(wanted)))  # with what a layer leaves out of an object: a station tells all of it
    refused = {} if reported is None else reported.refused
    for one in (*(Setting((name,), "text") for name in OF_THE_REGISTRY), *settings("station")):
        source = "registry" if one.name in OF_THE_REGISTRY else source_of(one, merged.sources)
        want = teller.value(one, wanted)
        have = "" if in_force is None else teller.value(one, in_force)
        if have == teller.value(one, meant):
            have = want
        why = teller.of_setting(refused, one.name)
        level: Level = "bad" if why else "warn" if in_force is not None and want != have else "good"
        line = TwinLine(teller.name(one.name), want, teller.t(f"web.level.{source}"), have, why, level)
        yield (source == "default" and level == "good"), line
