"""What has been seen of each station, what of it is not as it must be, and the table that tells it. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from region.columns import table

Door = Literal["card", "screen"]
CUT_OFF_WITHIN_S = 5.0
_HEAD = ("STATION", "ROOM", "DOOR", "CERTIFICATE", "CONFIG", "COMMAND", "RENEWED", "STATE", "")
_SHOWN = 8  # of a serial number


@dataclass
class Record:
    """One station. What ends in `_known` was found in the registry as at the station. Serial numbers are hexadecimal.

    `enrolled`: the region's audit has it coming in by this door. `wanted` and `reported` are config versions as the
    region has them; `applied`: the station works by what was set. `command` and `renewal` are how far those came;
    `done`: what was commanded is so at the station. `revoked`: this one is, and `cut_off_s` after that it had no link;
    `refused`: a command to it was, after that. `up`: it has a link in the end, by its own word and the region's.
    """

    number: int
    door: Door
    station: str = ""
    room: str = ""
    enrolled: bool = False
    certificate: str = ""
    certificate_known: bool = False
    wanted: int = 0
    reported: int | None = None
    applied: bool = False
    command: str = ""
    done: bool = False
    renewal: str = ""
    renewed: str = ""
    renewed_known: bool = False
    revoked: bool = False
    cut_off_s: float | None = None
    refused: bool = False
    up: bool = False


def faults(record: Record) -> Iterator[str]:
    """What is not as it must be."""
    if not record.enrolled:
        yield f"did not come in by its {record.door}"
    if not record.certificate or not record.certificate_known:
        yield "has no certificate that the registry knows"
    if not record.wanted or record.reported != record.wanted:
        yield "has not reported the config that is wanted"
    elif not record.applied:
        yield "does not work by the config that it reported"
    if record.command != "successful":
        yield f"the command: {record.command or 'not given'}"
    elif not record.done:
        yield "says that it did what it did not do"
    if record.renewal != "successful":
        yield f"the renewal: {record.renewal or 'not asked for'}"
    elif record.renewed in ("", record.certificate) or not record.renewed_known:
        yield "has no new certificate that the registry knows"
    yield from _faults_of_the_end(record)


def _faults_of_the_end(record: Record) -> Iterator[str]:
    if not record.revoked:
        if not record.up:
            yield "is not connected"
        return
    if record.cut_off_s is None or record.cut_off_s > CUT_OFF_WITHIN_S:
        yield f"revoked, and not cut off within {CUT_OFF_WITHIN_S:.0f} s"
    if record.up:
        yield "revoked, and connected again"
    if not record.refused:
        yield "revoked, and can still be commanded"


def told(records: Sequence[Record]) -> str:
    """The table, and below it whatever is not as it must be."""
    named = [(record.station or f"station number {record.number}", record) for record in records]
    complaints = [f"{name}: {fault}" for name, record in named for fault in faults(record)]
    return "\n".join((table(_HEAD, _rows(records)), *([""] if complaints else []), *complaints))


def _rows(records: Iterable[Record]) -> Iterator[tuple[str, ...]]:
    for one in records:
        yield (
            one.station or "-", one.room or "-", one.door, _serial(one.certificate),
            f"{one.wanted} / {'-' if one.reported is None else one.reported}", one.command or "-",
            _serial(one.renewed) if one.renewal == "successful" else one.renewal or "-", _state(one),
            "WRONG" if any(faults(one)) else "",
        )  # fmt: skip


def _state(one: Record) -> str:
    if one.revoked and one.cut_off_s is not None and not one.up:
        return f"revoked, cut off in {one.cut_off_s:.1f} s"
    return "connected" if one.up else "not connected"


def _serial(number: str) -> str:
    return number[-_SHOWN:] or "-"
