"""`region api`: the API's document, without a region that runs."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable
from pathlib import Path

from messaging.clock import SystemClock
from messaging.link.mqtt import MqttLink, MqttSettings
from region.addresses import Addresses
from region.authority.client import AuthorityClient
from region.cli.parsing import actions_of
from region.registry import Registry, database_url
from region.serving.app import Outside, compose
from region.serving.options import ServeOptions
from region.serving.outside import EnrolmentFiles
from region.stations.gate import Door, Gate
from region.web.site import Site, build_site


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    text = "tell what the API does, as OpenAPI 3.1"
    document = actions_of(parser).add_parser("document", help=text, description=text)
    document.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
    document.set_defaults(run=_document)


def _document(args: argparse.Namespace) -> int:
    content = json.dumps(site().openapi(), ensure_ascii=False, indent=1)
    if args.out is None:
        print(content)
    else:
        args.out.write_text(f"{content}\n", encoding="utf-8")
    return 0


def site() -> Site:
    """The site of a region that is put together only to be read: no file, no port, no database is opened."""
    nowhere, clock = Path(os.devnull), SystemClock()
    registry, authority = Registry(database_url(nowhere)), AuthorityClient(nowhere)
    link = MqttLink(MqttSettings("", 0, "", nowhere, nowhere, nowhere), (), None, clock)
    gate = Gate(registry, authority, Door(_let_all_in, _cut_nobody_off, _cut_nobody_off), clock)
    outside = Outside(Addresses(), registry, authority, link, link, lambda _: link, clock, "")
    house = compose(ServeOptions(nowhere), outside, EnrolmentFiles(nowhere, nowhere, nowhere), gate)
    return build_site(house.region, house.subjects)


def _let_all_in(_shut_out: Iterable[str], _lists: bytes | None) -> None:
    """There is no broker."""


async def _cut_nobody_off(_client_id: str) -> None:
    """There is no broker."""
