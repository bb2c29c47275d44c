"""The region put together, and run: registry, authority, broker, the wire to the stations, pages, enrolment."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from messaging.clock import Clock, SystemClock
from messaging.link.port import Link
from messaging.sd_notify import notify, watchdog_interval
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.renewal import Renewals
from provisioning.authority.vault import keep_public
from region import addresses as address_book
from region.addresses import Addresses
from region.authority.client import AuthorityClient
from region.desk.subject import subject as desk_subject
from region.doors.http import HttpServer, http_server, serve_on
from region.doors.ports import check_port, take_port
from region.evaluation.subject import subject as evaluation_subject
from region.fleet.subject import subject as fleet_subject
from region.people.subject import subject as people_subject
from region.registry import Registry, database_url
from region.registry.attempts import Limit
from region.registry.store import RegistryEnrolmentStore, SharedTries
from region.serving.attendance import Attendance
from region.serving.duty import Duty, Work
from region.serving.hoards import Hoards, Sweeper
from region.serving.options import ServeOptions
from region.serving.outside import EnrolmentFiles, alone_where_it_must_be, enrolment_files, open_authority, open_line
from region.serving.renewal import CertificateWatch, Renewal, RotationWatch
from region.serving.roll_call import RollCall
from region.serving.wire import Wire
from region.stations.admission import Admission
from region.stations.cards import CardService
from region.stations.claims import ClaimService
from region.stations.codes import CodeService
from region.stations.diagnostics import DiagnosticsService
from region.stations.est import build_est
from region.stations.gate import Gate
from region.stations.lacking import Lacking
from region.stations.layout import LayoutService
from region.stations.publishing import Publisher
from region.stations.removing import RemovalService
from region.stations.service import StationService
from region.stations.subject import commands as station_commands
from region.stations.subject import subject as stations_subject
from region.web.access import AccessWatch
from region.web.context import Region, WebSettings
from region.web.events import Hub
from region.web.limits import Limits
from region.web.oidc.fetch import HttpsFetch
from region.web.oidc.provider import Provider
from region.web.pages import Pages
from region.web.passwords import Passwords
from region.web.relay import Relay
from region.web.site import build_site
from region.web.subject import Subject

_log = logging.getLogger(__name__)
CODES = Limit("enrolment", tries=10, window_s=600.0)  # wrong ones, from one address
KEYS = Limit("renewal", tries=10, window_s=600.0)  # that no station has, from one address


@dataclass(frozen=True)
class House:
    """The region's parts, composed but not running."""

    region: Region
    wire: Wire
    roll_call: RollCall
    gate: Gate
    sweeper: Sweeper
    subjects: tuple[Subject, ...]
    pins: tuple[CodeService | CardService, ...]  # who write into code files which root to trust
    site: HttpServer
    enrolment: HttpServer


@dataclass(frozen=True)
class Outside:
    """What the house is built on."""

    where: Addresses
    registry: Registry
    authority: AuthorityClient
    ears: Link
    mouth: Link
    visit: Callable[[tuple[str, ...]], Link]
    clock: Clock
    root_sha256: str


async def serve(options: ServeOptions, on_ready: Callable[[Addresses], None] = lambda _: None) -> None:
    """Run the region until SIGTERM or SIGINT. RegionError, AuthorityError or RegistryError when it cannot start."""
    os.umask(0o077)
    options.check()
    where, clock = options.addresses(), SystemClock()
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        ports = _take_ports(options, stack)
        registry = await stack.enter_async_context(open_registry(options.data, options.database))
        await stack.enter_async_context(alone_where_it_must_be(options, registry))
        authority = await stack.enter_async_context(open_authority(options, clock))
        line = await stack.enter_async_context(open_line(options, where, registry, authority, clock))
        address_book.save(options.data, where)
        tls = await enrolment_files(options.data, where, authority)
        root_sha256 = await authority.root_sha256()
        gate = Gate(registry, authority, line.door, clock)
        outside = Outside(where, registry, authority, line.ears, line.mouth, line.visit, clock, root_sha256)
        house = compose(options, outside, tls, gate)
        stop = _stop_on_signals()

        async def renew_enrolment() -> None:
            await enrolment_files(options.data, where, authority)
            house.enrolment.reload_certificate()

        async def renew_pins() -> None:
            for pin in house.pins:
                pin.root_sha256 = await authority.root_sha256()
            keep_public(options.data / "ca", await authority.chain())

        renewals = (line.renew, renew_enrolment)
        rotation = RotationWatch(clock, authority.trust_bundle, line.trust, (*renewals, renew_pins))
        upkeep: list[tuple[str, Work]] = [
            ("renew certificates", Renewal(clock, renewals).run), ("follow rotations", rotation.run)
        ]  # fmt: skip
        if options.tls_certificate is not None and options.tls_key is not None:
            files = options.tls_certificate, options.tls_key
            upkeep.append(
                ("follow the pages' certificate", CertificateWatch(clock, files, house.site.reload_certificate).run)
            )
        await _run(options, house, upkeep, ports, stop, lambda: on_ready(where))


@dataclass(frozen=True)
class Ports:
    """Where this process listens; None: that is another role's."""

    web: socket.socket | None
    enrolment: socket.socket | None


def _take_ports(options: ServeOptions, stack: AsyncExitStack) -> Ports:
    web = enrolment = None
    if "web" in options.roles:
        web = stack.enter_context(take_port(options.host, options.port, "the pages", "--port"))
    if "enrolment" in options.roles:
        port = take_port(options.stations_host, options.enrol_port, "enrolment", "--enrol-port")
        enrolment = stack.enter_context(port)
    if options.broker is None:
        check_port(options.stations_host, options.broker_port, "the broker", "--broker-port")
    return Ports(web, enrolment)


@asynccontextmanager
async def open_registry(data: Path, database: str | None = None) -> AsyncIterator[Registry]:
    """The registry of the region's data, brought up to this version's schema."""
    registry = Registry(database_url(data, database))
    try:
        revision = await registry.migrate()
        _log.info("the database is at revision %s", revision)
        yield registry
    finally:
        await registry.close()


def compose(options: ServeOptions, outside: Outside, tls: EnrolmentFiles, gate: Gate) -> House:
    """Everything wired up; nothing runs yet."""
    where, registry, authority, clock = outside.where, outside.registry, outside.authority, outside.clock
    admission, sweeper = Admission(registry, clock), Sweeper(outside.visit, clock)
    hoards = Hoards(clock, sweeper.add, admission.hoards)
    attendance = Attendance()
    wire = Wire(outside.ears, registry, clock, outside.mouth, hoards=hoards, attendance=attendance)
    roll_call = RollCall(attendance, registry, wire, clock)
    wire.when_up(roll_call.hears_again)
    vouching = options.provider()
    security = options.security()
    if security is not None and security.ends_soon(datetime.fromtimestamp(clock.wall(), UTC).date()):
        _log.warning(
            "security.txt holds until %s: look whether it is right, and say --security-expires", security.expires
        )
    settings = WebSettings(where.public_url, options.language, options.turn(), options.second_step, security)
    region = Region(
        settings=settings, registry=registry, clock=clock, hub=Hub(clock), pages=Pages(clock, options.language),
        downlink=wire, passwords=Passwords(), limits=Limits(registry, clock),
        provider=None if vouching is None else Provider(vouching, HttpsFetch(), clock),
    )  # fmt: skip
    commands = station_commands(region, authority)
    wire.when_up(commands.dispatcher.broker_came_up)
    store = RegistryEnrolmentStore(registry, clock)
    tries = SharedTries(registry, clock, CODES)
    enrolment = Enrolment(store, authority, clock, tries)
    renewals = Renewals(store, authority, clock, SharedTries(registry, clock, KEYS))
    codes = CodeService(registry, clock, enrolment, outside.root_sha256, where)
    cards = CardService(registry, clock, outside.root_sha256, where)
    publisher = Publisher(registry, wire, authority, clock)
    claims = ClaimService(registry, clock, where)
    diagnostics = DiagnosticsService(registry, clock)
    wire.when_up(publisher.broker_came_up)
    subjects = (
        desk_subject(region),
        fleet_subject(region),
        stations_subject(
            StationService(registry, clock),
            codes,
            enrolment,
            publisher,
            Lacking(registry, clock),
            admission,
            commands,
            claims,
            LayoutService(registry, clock),
            cards,
            diagnostics,
            RemovalService(registry, clock),
        ),
        evaluation_subject(region),
        people_subject(region),
    )
    for subject in subjects:
        wire.add(subject)
    gate.let_go += [subject.shut_out for subject in subjects if subject.shut_out is not None] + [sweeper.add]
    for told in (gate.presence, roll_call.presence):
        told += [subject.presence for subject in subjects if subject.presence is not None]
    site = http_server(build_site(region, subjects), options.tls_certificate, options.tls_key)
    est = build_est(enrolment, renewals, authority, clock, claims, diagnostics)
    door = http_server(est, tls.certificate, tls.key, tls.clients)
    return House(region, wire, roll_call, gate, sweeper, subjects, (codes, cards), site, door)


async def _run(
    options: ServeOptions, house: House, upkeep: list[tuple[str, Work]], ports: Ports, stop: asyncio.Event,
    on_ready: Callable[[], None],
) -> None:  # fmt: skip
    doors = [
        (server, port)
        for server, port in ((house.site, ports.web), (house.enrolment, ports.enrolment))
        if port is not None
    ]
    async with asyncio.TaskGroup() as tasks:
        background = [tasks.create_task(work(), name=name) for name, work in (*upkeep, *_background(options, house))]
        serving = [tasks.create_task(serve_on(server, port), name="door") for server, port in doors]
        for server, _ in doors:
            await server.listening.wait()
        notify("READY=1")
        on_ready()
        await stop.wait()
        notify("STOPPING=1")
        house.region.hub.close()
        for server, _ in doors:
            server.should_exit = True
        await asyncio.gather(*serving)
        await house.region.hub.settled()
        for task in background:
            task.cancel()


def _background(options: ServeOptions, house: House) -> list[tuple[str, Work]]:
    """What runs beside the doors. On duty for the stations is one process at a time."""
    registry, clock = house.region.registry, house.region.clock
    relay = Relay(registry, house.region.hub, clock)
    work: list[tuple[str, Work]] = [
        ("watchdog", lambda: _watchdog(registry)),
        ("speak to stations", house.wire.speak),
        ("news of other processes", relay.run),
    ]
    if "web" in options.roles:
        work.append(("changes of access", AccessWatch(registry, house.region.hub, clock).run))
        work += [(subject.name, subject.run) for subject in house.subjects if subject.run is not None]
    if "stations" in options.roles:
        duty: list[tuple[str, Work]] = [
            ("wire", house.wire.run), ("who is there", house.roll_call.run), ("who is let in", house.gate.run),
            ("what is retained in vain", house.sweeper.run),
        ]  # fmt: skip
        duty += [(subject.name, subject.duty) for subject in house.subjects if subject.duty is not None]
        work.append(("duty", Duty(registry, clock, duty, house.gate.stand_by).run))
    return work


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _watchdog(registry: Registry) -> None:
    """systemd's watchdog, fed only while the database answers."""
    interval_s = watchdog_interval()
    while interval_s is not None:
        async with registry.read() as t:
            await t.stations.count()
        notify("WATCHDOG=1")
        await asyncio.sleep(interval_s)
