"""`region audit`: what was done, and whether the log of it is as it was written."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from region.cli.desk import Desk
from region.cli.parsing import actions_of, add_action, positive
from region.cli.printing import moment, tell
from region.columns import table
from region.errors import BrokenLog
from region.registry.seals import Broken, Fault, Head, read_head

_MEANS: dict[Fault, str] = {
    "changed": "row {row} is not as it was written",
    "missing": "row {row} is gone",
    "inserted": "row {row} was put in afterwards",
    "reordered": "row {row} stands where another stood",
    "cut_off": "the log ends before row {row}, which was written",
    "rewritten": "row {row} carries another seal than the head: rows were written anew up to there",
}
_ADVICE = "Keep the database as it is, and compare with a backup (region restore --help; docs/operations/people.md)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    rows = add_action(actions, "list", "print what was done, newest first", _list)
    rows.add_argument("--station", help="of this station only")
    rows.add_argument("--most", type=positive, default=50, help="how many rows (default: %(default)s)")
    check = add_action(actions, "verify", "look at every row: is the log as it was written?", _verify)
    check.add_argument(
        "--head", type=_head, metavar="ROW:SEAL", help="a head that an earlier verify printed, kept away from here"
    )


async def _list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        rows = await t.audit.recent(desk.args.most, station_id=desk.args.station)
    lines = ((moment(r.at), r.actor, r.action, r.station_id or "-", r.outcome, _details(r.detail)) for r in rows)
    tell(desk.args, rows, table(("WHEN", "WHO", "WHAT", "STATION", "OUTCOME", "DETAILS"), lines))


async def _verify(desk: Desk) -> None:
    async with desk.registry.read() as t:
        verdict = await t.audit.verify(desk.args.head)
    broken = verdict.broken
    data = {
        "intact": broken is None, "rows": verdict.rows, "head": str(verdict.head),
        "broken": None if broken is None else dataclasses.asdict(broken),
    }  # fmt: skip
    told = f"Broken: {_told(broken)}." if broken else f"Every row is as it was written: {verdict.rows} rows."
    tell(desk.args, data, told if broken else f"{told}\nHead: {verdict.head}")
    if broken is not None:
        raise BrokenLog(f"the log does not hold: {_told(broken)}. {_ADVICE}")


def _told(broken: Broken) -> str:
    return _MEANS[broken.fault].format(row=broken.row)


def _head(text: str) -> Head:
    head = read_head(text)
    if head is None:
        raise argparse.ArgumentTypeError("expected a row's number, a colon and 64 hexadecimal digits")
    return head


def _details(detail: dict[str, Any]) -> str:
    told = [f"{key}={value}" for key, value in detail.items() if value not in (None, "") and key != "changes"]
    return ", ".join([*told, *(_changed(one) for one in detail.get("changes", ()))])


def _changed(one: dict[str, Any]) -> str:
    return f"{one.get('field')}: {_value(one.get('before'))} -> {_value(one.get('after'))}"


def _value(value: Any) -> str:
    """What it was or became; `-` where nothing was said."""
    if value is None:
        return "-"
    if isinstance(value, dict) and "sha256" in value:
        return f"{value.get('start')}… ({value.get('length')} characters, SHA-256 {value['sha256']}…)"
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
