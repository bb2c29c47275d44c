"""The commands on places, profiles, tables and backups."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from messaging.clock import SystemClock
from provisioning.authority.profiles import LEVELS, Change, Level, hidden, leaves
from region.errors import Usage
from region.printing import ACTOR, Desk, agreed, confirm, table, tell
from region.registry import NotFound, Registry, database_url
from region.registry.backup import back_up, restore
from region.registry.filters import read_words
from region.stations.exporting import export_table
from region.stations.importing import KINDS, Kind, take_table
from region.stations.layout import LayoutService, Where

Leaf = Callable[..., argparse.ArgumentParser]


def add_arguments(commands: Any, group: Callable[..., Any], leaf: Leaf, site: Any, station: Any) -> None:
    """The parsers; `group` and `leaf` are the house's, `site` and `station` their groups."""
    cluster = group(commands, "cluster", "municipalities that belong together")
    leaf(cluster, "add", "add a cluster", group="cluster").add_argument("name")
    leaf(cluster, "list", "list the clusters", group="cluster")
    municipality = group(commands, "municipality", "where sites are")
    add = leaf(municipality, "add", "add a municipality", group="municipality")
    add.add_argument("name")
    add.add_argument("--cluster", default="", help="the cluster's name")
    leaf(municipality, "list", "list the municipalities", group="municipality")
    move = leaf(municipality, "move", "let a municipality belong to another cluster", group="municipality")
    move.add_argument("name")
    move.add_argument("--cluster", required=True, help="the cluster's name; an empty name: none")
    move = leaf(site, "move", "let a site belong to another municipality", group="site")
    move.add_argument("name")
    move.add_argument("--municipality", required=True, help="the municipality's name; an empty name: none")
    move = leaf(station, "move", "stand a station in another room", group="station")
    move.add_argument("station")
    move.add_argument("--site", help="the site's name (default: where it stands)")
    move.add_argument("--room", required=True, help="the room; made if the site has none of that name")
    _add_profile(group(commands, "profile", "what stations work by, in layers"), leaf)
    _add_tables(commands, leaf)
    _add_backup(commands, leaf)


def _add_profile(profile: Any, leaf: Leaf) -> None:
    show = leaf(profile, "show", "tell what stations there work by, and where each value comes from", group="profile")
    _add_place(show)
    show.add_argument("--own", action="store_true", help="only what this level says itself")
    change = leaf(profile, "set", "set values at a level, or at each of many stations", group="profile")
    _add_places(change)
    change.add_argument(
        "values", nargs="+", metavar="FIELD=VALUE", help="e.g. volume=60 night.on=true; FIELD=@FILE reads a secret"
    )
    take = leaf(profile, "unset", "have the layers above say these values", group="profile")
    _add_places(take)
    take.add_argument("fields", nargs="+", metavar="FIELD")
    put = leaf(profile, "put", "have a level say this document and nothing else", group="profile")
    _add_place(put)
    put.add_argument("file", type=Path, help="JSON; - reads standard input")
    copy = leaf(profile, "copy", "have one site work as another does", group="profile")
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


def _add_tables(commands: Any, leaf: Leaf) -> None:
    take = leaf(commands, "import", "take in a table (CSV): all of it, or nothing and each fault by line and column")
    take.add_argument("file", type=Path, help="- reads standard input")
    take.add_argument("--kind", choices=KINDS, help="of what (default: the file's name, as in stations.csv)")
    take.add_argument("--dry-run", action="store_true", help="tell what would come of it, and change nothing")
    give = leaf(commands, "export", "write a table (CSV) that import takes in again")
    give.add_argument("kind", choices=KINDS)
    give.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
    give.add_argument("--plain", action="store_true", help="commas and no mark, instead of what Danish Excel opens")


def _add_backup(commands: Any, leaf: Leaf) -> None:
    backup = leaf(commands, "backup", "copy the database into a file; the region may run meanwhile (SQLite)")
    backup.add_argument("file", type=Path)
    again = leaf(commands, "restore", "put a backup in the database's place, and publish every station's config anew")
    again.add_argument("file", type=Path, nargs="?")
    again.add_argument("--after-pg-restore", action="store_true", help="PostgreSQL: pg_restore has been run already")
    again.set_defaults(run=_restore)


def _restore(args: argparse.Namespace) -> int:
    """By itself: the database that is there may be of no use."""
    if (args.file is None) != args.after_pg_restore:
        raise Usage("name the backup's file; or, with PostgreSQL, run pg_restore and say --after-pg-restore")
    os.umask(0o077)
    return asyncio.run(_restored(args))


async def _restored(args: argparse.Namespace) -> int:
    registry, clock = Registry(database_url(args.data, args.database)), SystemClock()
    try:
        if args.file is not None:
            registry.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            await asyncio.to_thread(restore, registry.file, args.file)
        await registry.migrate()
        async with registry.begin() as t:
            await t.renumbering.renumber(clock.wall())
            await t.audit.add(ACTOR, "restore", "done", clock.wall())
            stations = await t.stations.count()
    finally:
        await registry.close()
    tell(
        args, {"stations": stations}, f"Restored. {stations} stations are told their config anew when the region runs."
    )
    return 0


async def _cluster_add(desk: Desk) -> None:
    made = await _layout(desk).add_cluster(ACTOR, desk.args.name)
    tell(desk.args, made, f"Added the cluster {made.name}.")


async def _cluster_list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        clusters = await t.clusters.all()
    tell(desk.args, clusters, table(("CLUSTER",), ((one.name,) for one in clusters)))


async def _municipality_add(desk: Desk) -> None:
    made = await _layout(desk).add_municipality(ACTOR, desk.args.name, desk.args.cluster)
    tell(desk.args, made, f"Added the municipality {made.name}.")


async def _municipality_list(desk: Desk) -> None:
    async with desk.registry.read() as t:
        found = await t.municipalities.all()
    tell(desk.args, found, table(("MUNICIPALITY", "CLUSTER"), ((one.name, one.cluster or "-") for one in found)))


async def _municipality_move(desk: Desk) -> None:
    touched = await _layout(desk).move_municipality(ACTOR, desk.args.name, desk.args.cluster)
    tell(desk.args, {"stations": touched}, f"Moved. {_stations(len(touched))}")


async def _site_move(desk: Desk) -> None:
    touched = await _layout(desk).move_site(ACTOR, desk.args.name, desk.args.municipality)
    tell(desk.args, {"stations": touched}, f"Moved. {_stations(len(touched))}")


async def _station_move(desk: Desk) -> None:
    station = await _layout(desk).move_station(ACTOR, desk.args.station, desk.args.site, desk.args.room)
    tell(desk.args, station, f"{station.id} stands in {station.room}, {station.site}.")


async def _profile_show(desk: Desk) -> None:
    layout, where = _layout(desk), await _where(desk)
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


async def _profile_set(desk: Desk) -> None:
    values = [_assignment(text) for text in desk.args.values]
    await _say(desk, values)


async def _profile_unset(desk: Desk) -> None:
    await _say(desk, [(tuple(field.split(".")), None) for field in desk.args.fields])


async def _say(desk: Desk, values: list[tuple[tuple[str, ...], Any]]) -> None:
    if desk.args.where is not None:
        await _say_each(desk, values)
        return
    touched = await _layout(desk).say(ACTOR, await _where(desk), values)
    data = {"version": touched.layer.version, "stations": list(touched.stations)}
    tell(desk.args, data, f"Version {touched.layer.version}. {_stations(len(touched.stations))}")


async def _say_each(desk: Desk, values: list[tuple[tuple[str, ...], Any]]) -> None:
    which = read_words(desk.args.where)
    async with desk.registry.read() as t:
        await t.finding.check(which)
        stations = await t.finding.find(which, desk.clock.wall())
    if not stations:
        raise NotFound("no station is like that")
    await confirm(desk.args, "settings", [station.id for station in stations])
    changes = await _layout(desk).say_each(ACTOR, stations, values)
    changed = [station for station, some in changes.items() if some]
    tell(desk.args, {"stations": changed}, f"Changed {len(changed)} of {len(stations)} stations.")


async def _profile_put(desk: Desk) -> None:
    document = _json(_content(desk.args.file).decode(errors="replace"))
    touched = await _layout(desk).say_all(ACTOR, await _where(desk), document)
    data = {"version": touched.layer.version, "stations": list(touched.stations)}
    tell(desk.args, data, f"Version {touched.layer.version}. {_stations(len(touched.stations))}")


async def _profile_copy(desk: Desk) -> None:
    args, layout = desk.args, _layout(desk)
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
    touched = await layout.copy(ACTOR, copying)
    data["stations"] = list(touched.stations)
    tell(args, data, f"{told if args.yes else 'Copied.'}\n{_stations(len(touched.stations))}")


async def _import(desk: Desk) -> None:
    args = desk.args
    kind = args.kind or args.file.stem
    if kind not in KINDS:
        raise Usage(f"of what is {args.file}? Say --kind: one of {', '.join(KINDS)}")
    taken = await take_table(
        desk.registry, desk.clock, ACTOR, cast("Kind", kind), _content(args.file), dry_run=args.dry_run
    )
    words = "Would add" if taken.dry_run else "Added"
    tell(args, taken, f"{words} {taken.added}, {'change' if taken.dry_run else 'changed'} {taken.changed}; "
                      f"{taken.same} are as they were.")  # fmt: skip


async def _export(desk: Desk) -> None:
    args = desk.args
    content = await export_table(desk.registry, desk.clock, ACTOR, args.kind, plain=args.plain)
    if args.out is None:
        sys.stdout.buffer.write(content)
        return
    await asyncio.to_thread(args.out.write_bytes, content)
    tell(args, {"file": str(args.out)}, f"Wrote {args.out}.")


async def _backup(desk: Desk) -> None:
    size = await asyncio.to_thread(back_up, desk.registry.file, desk.args.file)
    async with desk.registry.begin() as t:
        await t.audit.add(ACTOR, "backup", "done", desk.clock.wall(), bytes=size)
    told = f"Wrote {desk.args.file} ({size} bytes), checked. It holds secrets. The authority's keys are not in it."
    tell(desk.args, {"file": str(desk.args.file), "bytes": size}, told)


COMMANDS: dict[str, Callable[[Desk], Awaitable[None]]] = {
    "cluster add": _cluster_add, "cluster list": _cluster_list, "municipality add": _municipality_add,
    "municipality list": _municipality_list, "municipality move": _municipality_move, "site move": _site_move,
    "station move": _station_move, "profile show": _profile_show, "profile set": _profile_set,
    "profile unset": _profile_unset, "profile put": _profile_put, "profile copy": _profile_copy, "import": _import,
    "export": _export, "backup": _backup,
}  # fmt: skip
FIRST = ("cluster add", "municipality add", "import")  # what may be done before the first `region serve`


def _layout(desk: Desk) -> LayoutService:
    return LayoutService(desk.registry, desk.clock)


async def _where(desk: Desk) -> Where:
    given = vars(desk.args)
    level: Level = next(one for one in LEVELS if given.get(one) is not None)
    return await _layout(desk).find(level, given[level])


def _assignment(text: str) -> tuple[tuple[str, ...], Any]:
    field, sign, value = text.partition("=")
    if not sign or not all(field.split(".")):
        raise Usage(f"{field}: expected FIELD=VALUE")
    if value.startswith("@"):
        return tuple(field.split(".")), _content(Path(value[1:])).decode(errors="replace").rstrip("\r\n")
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


def _content(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    if not path.is_file():
        raise NotFound(f"{path} is not there")
    return path.read_bytes()


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _value(value: Any) -> str:
    return (
        "-" if value is None else value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    )


def _plain(one: Change) -> dict[str, Any]:
    return {"field": ".".join(one.path), "before": one.before, "after": one.after}


def _stations(count: int) -> str:
    return "No station's config changes." if not count else f"Stations whose config changes: {count}."
