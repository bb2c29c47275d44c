"""What a command on the region's data works with: beside a running region as well as without one."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from messaging.clock import Clock, SystemClock
from region.cli.typist import typist
from region.errors import Usage
from region.registry import NotFound, Registry, database_url
from region.registry.records import Clinic, Person, Site


@dataclass(frozen=True)
class Desk:
    """What was typed, by whom, and on what: `actor` is whom the audit names, `revision` is the database's."""

    args: argparse.Namespace
    registry: Registry
    clock: Clock
    revision: str
    actor: str

    async def site(self, name: str) -> Site:
        """The site of that name."""
        async with self.registry.read() as t:
            site = await t.sites.find(name)
        if site is None:
            raise NotFound(f"no site {name}: see region site list")
        return site

    async def clinic(self, name: str) -> Clinic:
        """The clinic of that name."""
        async with self.registry.read() as t:
            clinic = await t.clinics.find(name)
        if clinic is None:
            raise NotFound(f"no clinic {name}: see region clinic list")
        return clinic

    async def person(self) -> Person:
        """Whoever was named."""
        async with self.registry.read() as t:
            person = await t.people.find(self.args.name)
        if person is None:
            raise NotFound(f"no user {self.args.name}")
        return person

    async def clinic_id(self, name: str | None) -> int | None:
        """Of the clinic of that name; None for none."""
        return (await self.clinic(name)).id if name else None

    async def site_ids(self) -> tuple[int, ...] | None:
        """Of the sites that were said (`--site`); None: none was."""
        if self.args.site is None:
            return None
        async with self.registry.read() as t:
            return tuple([(await t.sites.named(name)).id for name in self.args.site])


def on_desk(args: argparse.Namespace, act: Callable[[Desk], Awaitable[None]], *, begins: bool) -> int:
    """Carry out one command; gives the exit code. Usage where there are no data, unless it `begins` them."""
    os.umask(0o077)
    data: Path = args.data
    if not data.is_dir():
        if not begins:
            raise Usage(f"{data} is not there: is that the region's --data?")
        data.mkdir(mode=0o700, parents=True)
    asyncio.run(_carry_out(args, act))
    return 0


async def _carry_out(args: argparse.Namespace, act: Callable[[Desk], Awaitable[None]]) -> None:
    registry = Registry(database_url(args.data, args.database))
    try:
        revision = await registry.migrate()
        await act(Desk(args, registry, SystemClock(), revision, typist().actor))
    finally:
        await registry.close()
