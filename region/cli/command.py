"""`region command`: what stations are told to do."""

from __future__ import annotations

import argparse
import re

from messaging.command import ORDERS
from region.cli.desk import Desk
from region.cli.filtering import add_filter, read_filter
from region.cli.parsing import actions_of, add_action
from region.cli.printing import confirm, moment, plain, tell
from region.columns import table
from region.daytime import read_moment
from region.errors import Usage
from region.registry import Conflict
from region.registry.filters import Filter
from region.registry.records import Command
from region.stations.commanding import USUAL_S, Asked, Commanding, Handed, Whom, from_texts

_SPAN = re.compile(r"(\d{1,6})([smhd])")
_HOW_TO_SEND = (
    "Type: region command send TYPE FIELD=VALUE ... --station ID, with --station before each of several stations, "
    'and words that belong together in quotes, as in --why "new kernel"'
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    actions = actions_of(parser)
    send = add_action(actions, "send", "give a command to one station or to many", _send)
    send.add_argument("type", choices=tuple(ORDERS), metavar="TYPE", help=f"one of {', '.join(ORDERS)}")
    send.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help="e.g. seconds=30, process=call, percent=60")
    send.add_argument("--station", action="append", metavar="ID", help="this station; may be said more than once")
    add_filter(send)
    send.add_argument("--all", action="store_true", help="every station of the region")
    send.add_argument("--why", default="", help="for the log: what it is good for")
    send.add_argument(
        "--at", metavar="TIME", help="not before: tonight (the next 03:00), or 2026-11-22T03:00, Danish time"
    )
    send.add_argument(
        "--expires", type=_span, default=USUAL_S, metavar="SPAN",
        help="not begun later than that after its time: 90s, 30m, 2h, 3d (default: 1h; at most 7d)",
    )  # fmt: skip
    send.add_argument("--yes", action="store_true", help="do not ask, though there are many stations")
    send.set_defaults(take_left_over=_take_left_over)
    shown = add_action(actions, "list", "tell of commands, the latest first", _list)
    shown.add_argument("--station", metavar="ID", help="of this station only")
    shown.add_argument("--batch", help="of those given together")
    shown.add_argument("--open", action="store_true", help="only those that have not ended")
    shown.add_argument("--most", type=int, default=50, help="how many rows (default: %(default)s)")
    cancel = add_action(actions, "cancel", "call back what has not been sent to its station yet", _cancel)
    which = cancel.add_mutually_exclusive_group(required=True)
    which.add_argument("command_id", nargs="?", metavar="ID")
    which.add_argument("--batch", help="all that were given together")


async def _send(desk: Desk) -> None:
    args, service = desk.args, Commanding(desk.registry, desk.clock)
    texts = dict(_assignment(one) for one in args.fields)
    whom = _whom(args)
    at = None if args.at is None else read_moment(args.at, desk.clock.wall())
    await confirm(args, args.type, [station.id for station in await service.look(whom)])
    asked = Asked(args.type, from_texts(args.type, texts), args.why, at, args.expires)
    handed = await service.give(desk.actor, whom, asked)
    data = {"batch": handed.batch, "commands": plain(list(handed.commands)), "left_out": handed.left_out}
    tell(args, data, _told(handed))


async def _list(desk: Desk) -> None:
    args = desk.args
    async with desk.registry.read() as t:
        found = await t.commands.recent(args.most, station_id=args.station, batch=args.batch, only_open=args.open)
    rows = ((one.id, one.batch, one.station_id, one.type, _state(one), _when(one), one.actor) for one in found)
    tell(args, found, table(("COMMAND", "BATCH", "STATION", "TYPE", "STATE", "SINCE", "BY"), rows))


async def _cancel(desk: Desk) -> None:
    args, service = desk.args, Commanding(desk.registry, desk.clock)
    if args.batch is None:
        called_back = await service.cancel(desk.actor, args.command_id)
        tell(args, called_back, f"Called back: {called_back.type} of {called_back.station_id}.")
        return
    done, late = await service.cancel_batch(desk.actor, args.batch)
    if not done:
        raise Conflict("every one of them has been sent or has ended: see region command list")
    data = {"called_back": plain(done), "too_late": plain(late)}
    tell(args, data, f"Called back: {len(done)}." + (f" Too late for {len(late)}: they were sent." if late else ""))


def _whom(args: argparse.Namespace) -> Whom:
    which = read_filter(args)
    if sum((bool(args.station), which != Filter(), args.all)) != 1:
        raise Usage("to whom? Say --station, or a filter (--site, --where ...), or --all")
    return Whom(stations=tuple(args.station)) if args.station else Whom(where=which)


def _told(handed: Handed) -> str:
    first = handed.commands[0]
    head = (
        f"Commanded: {first.type} to {first.station_id} ({first.id})."
        if len(handed.commands) == 1
        else f"Commanded: {first.type} to {len(handed.commands)} stations; together they are {handed.batch}."
    )
    left_out = [f"Left out: {station}, {why}." for station, why in handed.left_out.items()]
    held = f"Not before {moment(first.not_before)}; " if first.state == "scheduled" else ""
    lasts = f"{held}{'g' if held else 'G'}ood until {moment(first.expires_at)}."
    return "\n".join([head, *left_out, f"{lasts} A station that is away gets it when it is back."])


def _state(command: Command) -> str:
    waits = command.state == "init" and command.sent_at is None
    return " ".join(filter(None, (command.state, command.reason or ("not sent yet" if waits else ""))))


def _when(command: Command) -> str:
    reached = (command.ended_at, command.executing_at, command.scheduled_at)
    return moment(next((at for at in reached if at is not None), command.created_at))


def _take_left_over(args: argparse.Namespace, left_over: list[str]) -> None:
    """Fields that stand behind an option, which argparse leaves over; Usage for what is none."""
    for one in left_over:
        if one.startswith("-"):
            raise Usage(f"{one}: there is no such option; see region command send --help")
        if "=" not in one:
            raise Usage(f"{one}: what is that? {_HOW_TO_SEND}")
    args.fields = [*args.fields, *left_over]


def _assignment(text: str) -> tuple[str, str]:
    field, sign, value = text.partition("=")
    if not sign or not field:
        raise Usage(f"{text}: expected FIELD=VALUE")
    return field, value


def _span(text: str) -> float:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError("a span is a number and s, m, h or d, as in 30m")
    return float(int(found[1]) * _SECONDS[found[2]])
