"""`region demo-fleet`: start the fleet, have it live through everything, tell what was seen, and end it all."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from messaging.clock import Clock, SystemClock
from provisioning.authority.vault import open_authority
from region.broker import write_file
from region.demo.errors import DemoError
from region.demo.fleet import acts
from region.demo.fleet.acts import Stage
from region.demo.fleet.desk import FleetDesk, Refused
from region.demo.fleet.places import FleetPlaces, FleetPorts, free_ports
from region.demo.fleet.record import faults, told
from region.demo.fleet.station import FleetStation
from region.demo.plan import HOST, make_root
from region.demo.processes import Processes, Program, check_programs
from region.demo.ready import answers
from region.registry import Registry, RegistryError, database_url
from region.web.sign_in import make_link

MOST = 100
_PATIENCE_S, _PATIENCE_EACH_S = 60.0, 2.0
_READY_WITHIN_S = 60.0
_ACTS: tuple[tuple[str, Callable[[Stage], Awaitable[None]]], ...] = (
    ("They enrol: by the codes on their cards, or let in by the digits on their screens", acts.enrol),
    ("IT sets volume and language for the whole region, and each takes them", acts.configure),
    ("IT commands another volume of all, and each obeys", acts.command),
    ("A month goes by for the certificates: each renews its own and connects with the new one", acts.renew),
    ("One is stolen: it is revoked, cut off, and stays out", acts.revoke),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `region demo-fleet` takes."""
    parser.add_argument(
        "-n", "--stations", type=_several, default=25, metavar="N", help="how many stations (default %(default)s)"
    )
    parser.set_defaults(run=main)


def main(options: argparse.Namespace) -> int:
    """Run the whole play; an exit code."""
    try:
        check_programs({"mosquitto": "mosquitto", "setpriv": "util-linux"})
        places = FleetPlaces(make_root())
        try:
            return asyncio.run(_played(places, options.stations))
        finally:
            shutil.rmtree(places.root, ignore_errors=True)
    except DemoError as error:
        print(error, file=sys.stderr)
        return error.exit_code


async def _played(places: FleetPlaces, stations: int) -> int:
    playing = asyncio.create_task(_play(places, stations, SystemClock()))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, playing.cancel)
    try:
        return await playing
    except asyncio.CancelledError:
        print("\nEnded before it was through.", file=sys.stderr)
        return 1


async def _play(places: FleetPlaces, count: int, clock: Clock) -> int:
    began = clock.monotonic()
    print(f"A region with TLS, and {count} stations with an agent each:", flush=True)
    async with _running(places, count, clock) as (stage, agents):
        for title, act in _ACTS:
            await _act(title, act, stage)
        records = [one.record for one in stage.stations]
        wrong = [one for one in records if any(faults(one))]
        print(f"\n{told(records)}", flush=True)
        for one in wrong[:3]:
            name = stage.stations[one.number - 1].program.name
            print(f"\nThe end of the log of {one.station or name}:\n{agents.last_words(name)}")
    taken = clock.monotonic() - began
    print(f"\n{count - len(wrong)} of {count} stations are as they must be; it took {taken:.0f} s.", flush=True)
    return 1 if wrong else 0


async def _act(title: str, act: Callable[[Stage], Awaitable[None]], stage: Stage) -> None:
    began = stage.clock.monotonic()
    print(f"» {title} ...", end="", flush=True)
    try:
        await act(stage)
    except (Refused, RegistryError, OSError) as error:
        print(f" {error}", flush=True)
        return
    print(f" {stage.clock.monotonic() - began:.0f} s", flush=True)


@asynccontextmanager
async def _running(places: FleetPlaces, count: int, clock: Clock) -> AsyncIterator[tuple[Stage, Processes]]:
    """The region and all agents, with what is needed to look at them; everything ends with the `with`."""
    async with AsyncExitStack() as stack:
        places.make()
        ports = free_ports()
        registry = Registry(database_url(places.data))
        stack.push_async_callback(registry.close)
        link = await _furnish(registry, places, f"https://{HOST}:{ports.web}", clock)
        region = Processes(places.logs, clock, lambda: None)
        stack.push_async_callback(region.stop)
        await region.start(_region(places, ports))
        await _ready(region, ports, clock)
        desk = FleetDesk(f"https://{HOST}:{ports.web}", places.trust, places.data)
        await desk.sign_in(link)
        stations = [
            FleetStation(number, "card" if number <= (count + 1) // 2 else "screen", places.station(number), clock)
            for number in range(1, count + 1)
        ]
        for one in stations:
            one.places.make()
        stage = Stage(stations, desk, registry, places, clock, _PATIENCE_S + count * _PATIENCE_EACH_S)
        await acts.make_cards(stage)
        agents = Processes(places.logs, clock, lambda: None)
        stack.push_async_callback(agents.stop_together)  # before the region: they take their leave of it
        followers = [one.follow() for one in stations]
        stack.push_async_callback(_end, followers)
        for one in stations:
            await agents.start(one.program)
        yield stage, agents


async def _furnish(registry: Registry, places: FleetPlaces, url: str, clock: Clock) -> str:
    """A clinic, a site, somebody of IT, and the certificate of the pages; a link that signs that person in."""
    authority = open_authority(places.data / "ca", clock)
    pages = authority.issue_server("region", [HOST])
    write_file(places.tls_certificate, pages.certificate_pem)
    write_file(places.tls_key, pages.key_pem)
    write_file(places.trust, authority.trust_bundle())
    await registry.migrate()
    now = clock.wall()
    async with registry.begin() as t:
        await t.clinics.add(acts.CLINIC, "", now)
        await t.sites.add(acts.SITE, now)
        person = await t.people.add("it", "it_admin", now)
    return await make_link(registry, url, person, now, _READY_WITHIN_S, whole=True)


def _region(places: FleetPlaces, ports: FleetPorts) -> Program:
    command = [sys.executable, "-m", "region.cli", "serve", "--data", str(places.data), "--host", HOST]
    command += ["--port", str(ports.web), "--enrol-port", str(ports.enrolment), "--broker-port", str(ports.broker)]
    command += ["--tls-cert", str(places.tls_certificate), "--tls-key", str(places.tls_key)]
    return Program("region", command, {})


async def _ready(region: Processes, ports: FleetPorts, clock: Clock) -> None:
    until = clock.monotonic() + _READY_WITHIN_S
    for port in (ports.enrolment, ports.web, ports.broker):
        while not await answers(port):
            if clock.monotonic() > until or region.restarts:
                raise DemoError(f"The region does not start. The end of its log:\n{region.last_words('region')}")
            await clock.sleep(0.1)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _several(text: str) -> int:
    number = int(text)
    if not 2 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"from 2 stations (one for each door) to {MOST}")
    return number
