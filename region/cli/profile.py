"""`region profile`: what stations work by, in layers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from provisioning.authority.profiles import LEVELS, Change, Level, hidden, leaves
from region.cli.desk import Desk
from region.cli.files import read_input
from region.cli.parsing import actions_of, add_action
from region.cli.printing import agreed, configs_changed, confirm, tell
from region.cli.services import layout_service
from region.columns import table
from region.errors import Usage
from region.registry import NotFound
from region.registry.filters import read_words
from region.stations.layout import Where


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    show = add_action(actions, "show", "tell what stations there work by, and where each value comes from", _show)
    _add_place(show)
    show.add_argument("--own", action="store_true", help="only what this level says itself")
    change = add_action(actions, "set", "set values at a level, or at each of many stations", _set)
    _add_places(change)
    change.add_argument(
        "values", nargs="+", metavar="FIELD=VALUE", help="e.g. volume=60 night.on=true; FIELD=@FILE reads a secret"
    )
    take = add_action(actions, "unset", "have the layers above say these values", _unset)
    _add_places(take)
    take.add_argument("fields", nargs="+", metavar="FIELD")
    put = add_action(actions, "put", "have a level say this document and nothing else", _put)
    _add_place(put)
    put.add_argument("file", type=Path, help="JSON; - reads standard input")
    copy = add_action(actions, "copy", "have one site work as another does", _copy)
    copy.add_argument("--from", dest="source", required=True, metavar="SITE")
    copy.add_argument("--to", dest="target", required=True, metavar="SITE")
    copy.add_argument("--only", default="", metavar="FIELD,FIELD", help="copy these fields")
    copy.add_argument("--except", dest="but", default="", metavar="FIELD,FIELD", help="copy all but these fields")
    copy.add_argument("--yes", action="store_true", help="do not ask")
    copy.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")


def _add_places(parser: argparse.ArgumentParser) -> None:
    _add_place(parser).add_argument(
        "--where", action="append", metavar="KEY=VALUE", help="each station that this filter finds, for itself"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask, though there are many stations")


def _add_place(parser: argparse.ArgumentParser) -> Any:
    places = parser.add_mutually_exclusive_group(required=True)
    places.add_argument("--region", action="store_const", const="", help="for all stations")
    for level in LEVELS[1:]:
        places.add_argument(f"--{level}", metavar="ID" if level == "station" else "NAME")
    return places


async def _show(desk: Desk) -> None:
    layout, where = layout_service(desk), await _where(desk)
    if desk.args.own:
        said = await layout.said(where)
        own = [(".".join(path), _value(value), "") for path, value in leaves(hidden(said.document))]
        tell(desk.args, hidden(said.document), table(("FIELD", "VALUE", ""), own))
        return
    merged = await layout.merged(where)
    shown = hidden(merged.document)
    rows = [(".".join(path), _value(value), merged.sources[path]) for path, value in leaves(shown)]
    data = {"document": shown, "sources": {".".join(path): level for path, level in merged.sources.items()}}
    tell(desk.args, data, table(("FIELD", "VALUE", "FROM"), rows) if rows else "Every value is the default.")


async def _set(desk: Desk) -> None:
    values = [_assignment(text) for text in desk.args.values]
    await _say(desk, values)


async def _unset(desk: Desk) -> None:
    await _say(desk, [(tuple(field.split(".")), None) for field in desk.args.fields])


async def _say(desk: Desk, values: list[tuple[tuple[str, ...], Any]]) -> None:
    if desk.args.where is not None:
        await _say_each(desk, values)
        return
    touched = await layout_service(desk).say(desk.actor, await _where(desk), values)
    data = {"version": touched.layer.version, "stations": list(touched.stations)}
    tell(desk.args, data, f"Version {touched.layer.version}. {configs_changed(len(touched.stations))}")


async def _say_each(desk: Desk, values: list[tuple[tuple[str, ...], Any]]) -> None:
    which = read_words(desk.args.where)
    async with desk.registry.read() as t:
        await t.finding.check(which)
        stations = await t.finding.find(which, desk.clock.wall())
    if not stations:
        raise NotFound("no station is like that")
    await confirm(desk.args, "settings", [station.id for station in stations])
    changes = await layout_service(desk).say_each(desk.actor, stations, values)
    changed = [station for station, some in changes.items() if some]
    tell(desk.args, {"stations": changed}, f"Changed {len(changed)} of {len(stations)} stations.")


async def _put(desk: Desk) -> None:
    document = _json(read_input(desk.args.file).decode(errors="replace"))
    touched = await layout_service(desk).say_all(desk.actor, await _where(desk), document)
    data = {"version": touched.layer.version, "stations": list(touched.stations)}
    tell(desk.args, data, f"Version {touched.layer.version}. {configs_changed(len(touched.stations))}")


async def _copy(desk: Desk) -> None:
    args, layout = desk.args, layout_service(desk)
    source, target = await layout.find("site", args.source), await layout.find("site", args.target)
    copying = await layout.compare(source, target, _names(args.only), _names(args.but))
    rows = [(".".join(one.path), _value(one.before), _value(one.after)) for one in copying.changes]
    told = table(("FIELD", f"AT {target.name}", f"AS AT {source.name}"), rows)
    data: dict[str, Any] = {"changes": [_plain(one) for one in copying.changes], "stations": []}
    if not rows or args.dry_run:
        tell(args, data, told if rows else f"{target.name} works as {source.name} does already.")
        return
    if not args.yes:
        print(told)
        if not await agreed("Copy?"):
            raise Usage("nothing was changed: say --yes, or answer y")
    touched = await layout.copy(desk.actor, copying)
    data["stations"] = list(touched.stations)
    tell(args, data, f"{told if args.yes else 'Copied.'}\n{configs_changed(len(touched.stations))}")


async def _where(desk: Desk) -> Where:
    given = vars(desk.args)
    level: Level = next(one for one in LEVELS if given.get(one) is not None)
    return await layout_service(desk).find(level, given[level])


def _assignment(text: str) -> tuple[tuple[str, ...], Any]:
    field, sign, value = text.partition("=")
    if not sign or not all(field.split(".")):
        raise Usage(f"{field}: expected FIELD=VALUE")
    if value.startswith("@"):
        return tuple(field.split(".")), read_input(Path(value[1:])).decode(errors="replace").rstrip("\r\n")
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    if read is None:
        raise Usage(f"{field}: to have the layers above say it: region profile unset")
    return tuple(field.split(".")), read


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Usage(f"no JSON: {error}") from error


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _value(value: Any) -> str:
    return (
        "-" if value is None else value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    )


def _plain(one: Change) -> dict[str, Any]:
    return {"field": ".".join(one.path), "before": one.before, "after": one.after}
