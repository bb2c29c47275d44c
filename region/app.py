"""The region put together, and run: registry, authority, broker, the wire to the stations, pages, enrolment."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from messaging.clock import Clock, SystemClock
from messaging.link.mqtt import MqttLink, MqttSettings, knock
from messaging.link.port import Link
from messaging.sd_notify import notify, watchdog_interval
from messaging.topics import region_subscriptions
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.renewal import Renewals
from region import addresses as address_book
from region.addresses import Addresses
from region.authority.child import AuthorityChild
from region.authority.client import AuthorityClient
from region.authority.wire import SOCKET
from region.broker import REGION_USER, BrokerPaths, EmbeddedBroker, write_access, write_file, write_identity
from region.desk.subject import subject as desk_subject
from region.evaluation.subject import subject as evaluation_subject
from region.fleet.subject import subject as fleet_subject
from region.listening import check_port, take_port
from region.options import ServeOptions
from region.registry import Registry, database_url
from region.registry.store import RegistryEnrolmentStore
from region.renewal import Renewal
from region.serving import HttpServer, http_server, serve_on
from region.stations.admission import Admission
from region.stations.cards import CardService
from region.stations.claims import ClaimService
from region.stations.est import build_est
from region.stations.gate import Door, Gate
from region.stations.layout import LayoutService
from region.stations.publishing import Publisher
from region.stations.service import StationService
from region.stations.subject import commands as station_commands
from region.stations.subject import subject as stations_subject
from region.web.context import Region, WebSettings
from region.web.events import Hub
from region.web.limits import Limits
from region.web.oidc.fetch import HttpsFetch
from region.web.oidc.provider import Provider
from region.web.pages import Pages
from region.web.passwords import Passwords
from region.web.site import build_site
from region.web.subject import Subject
from region.wire import Wire

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class House:
    """The region's parts, composed but not running."""

    region: Region
    wire: Wire
    gate: Gate
    subjects: tuple[Subject, ...]
    site: HttpServer
    enrolment: HttpServer


@dataclass(frozen=True)
class Outside:
    """What the house is built on."""

    where: Addresses
    registry: Registry
    authority: AuthorityClient
    link: Link
    clock: Clock
    root_sha256: str


@dataclass(frozen=True)
class Line:
    """The region's client of the broker, how its certificates are renewed, how the broker is told whom to let in."""

    link: Link
    renew: Callable[[], Awaitable[None]]
    door: Door


@dataclass(frozen=True)
class EnrolmentFiles:
    """What the enrolment door's TLS reads; `clients` are the authorities of those who may show a certificate."""

    certificate: Path
    key: Path
    clients: Path


async def serve(options: ServeOptions, on_ready: Callable[[Addresses], None] = lambda _: None) -> None:
    """Run the region until SIGTERM or SIGINT. RegionError, AuthorityError or RegistryError when it cannot start."""
    os.umask(0o077)
    options.check()
    where, clock = options.addresses(), SystemClock()
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        web = take_port(options.host, options.port, "the pages", "--port")
        stack.callback(web.close)
        enrol = take_port(options.stations_host, options.enrol_port, "enrolment", "--enrol-port")
        stack.callback(enrol.close)
        if options.broker is None:
            check_port(options.stations_host, options.broker_port, "the broker", "--broker-port")
        registry = await stack.enter_async_context(open_registry(options.data, options.database))
        authority = await stack.enter_async_context(_authority(options, clock))
        line = await stack.enter_async_context(_broker(options, where, registry, authority, clock))
        address_book.save(options.data, where)
        tls = await _enrolment_files(options.data, where, authority)
        root_sha256 = await authority.root_sha256()
        gate = Gate(registry, authority, line.door, clock)
        house = compose(options, Outside(where, registry, authority, line.link, clock, root_sha256), tls, gate)
        stop = _stop_on_signals()

        async def renew_enrolment() -> None:
            await _enrolment_files(options.data, where, authority)
            house.enrolment.reload_certificate()

        renewal = Renewal(clock, (line.renew, renew_enrolment))
        await _run(house, renewal, web, enrol, stop, lambda: on_ready(where))


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
    wire = Wire(outside.link, registry, clock)
    vouching = options.provider()
    settings = WebSettings(where.public_url, options.language, options.turn(), options.second_step)
    region = Region(
        settings=settings, registry=registry, clock=clock, hub=Hub(clock), pages=Pages(clock, options.language),
        downlink=wire, passwords=Passwords(), limits=Limits(),
        provider=None if vouching is None else Provider(vouching, HttpsFetch(), clock),
    )  # fmt: skip
    commands = station_commands(region, authority)
    wire.when_up(commands.dispatcher.broker_came_up)
    store = RegistryEnrolmentStore(registry, clock)
    enrolment, renewals = Enrolment(store, authority, clock), Renewals(store, authority, clock)
    service = StationService(registry, clock, enrolment, outside.root_sha256, where)
    publisher = Publisher(registry, wire, authority, clock)
    claims = ClaimService(registry, clock, where)
    wire.when_up(publisher.broker_came_up)
    subjects = (
        desk_subject(region),
        fleet_subject(region),
        stations_subject(
            service,
            enrolment,
            publisher,
            Admission(registry, clock),
            commands,
            claims,
            LayoutService(registry, clock),
            CardService(registry, clock, outside.root_sha256, where),
        ),
        evaluation_subject(region),
    )
    for subject in subjects:
        wire.add(subject)
    gate.let_go += [subject.shut_out for subject in subjects if subject.shut_out is not None]
    gate.presence += [subject.presence for subject in subjects if subject.presence is not None]
    site = http_server(build_site(region, subjects), options.tls_certificate, options.tls_key)
    door = http_server(build_est(enrolment, renewals, authority, clock, claims), tls.certificate, tls.key, tls.clients)
    return House(region, wire, gate, subjects, site, door)


async def _run(
    house: House, renewal: Renewal, web: socket.socket, enrol: socket.socket, stop: asyncio.Event,
    on_ready: Callable[[], None],
) -> None:  # fmt: skip
    servers = (house.site, house.enrolment)
    async with asyncio.TaskGroup() as tasks:
        background = [tasks.create_task(house.wire.run(), name="wire")]
        background += [tasks.create_task(s.run(), name=s.name) for s in house.subjects if s.run is not None]
        background.append(tasks.create_task(_watchdog(house.region.registry), name="watchdog"))
        background.append(tasks.create_task(renewal.run(), name="renew certificates"))
        background.append(tasks.create_task(house.gate.run(), name="who is let in"))
        serving = [
            tasks.create_task(serve_on(house.site, web), name="pages"),
            tasks.create_task(serve_on(house.enrolment, enrol), name="enrolment endpoint"),
        ]
        for server in servers:
            await server.listening.wait()
        notify("READY=1")
        on_ready()
        await stop.wait()
        notify("STOPPING=1")
        house.region.hub.close()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving)
        for task in background:
            task.cancel()


@asynccontextmanager
async def _authority(options: ServeOptions, clock: Clock) -> AsyncIterator[AuthorityClient]:
    """The authority's process: a child of ours, unless it runs as a service of its own."""
    path = options.authority or options.data / SOCKET
    if options.authority is not None:
        yield AuthorityClient(path)
        return
    child = AuthorityChild(options.data, path, clock)
    await child.start()
    try:
        yield AuthorityClient(path)
    finally:
        await child.stop()


@asynccontextmanager
async def _broker(
    options: ServeOptions, where: Addresses, registry: Registry, authority: AuthorityClient, clock: Clock
) -> AsyncIterator[Line]:
    """The region's client of the broker, with our own broker around it unless there is another."""
    paths = BrokerPaths(options.data / "broker")
    host, port = options.broker_address()
    own: EmbeddedBroker | None = None

    async def renew() -> None:
        write_identity(paths, await authority.trust_bundle(), await authority.issue_client())
        if own is not None:
            own.renew(await authority.issue_server("broker", where.hosts))

    def put_in_force(shut_out: Iterable[str], revocations: bytes | None) -> None:
        write_access(paths.folder, shut_out, revocations)
        if own is not None:
            own.reload()

    def settings(client_id: str) -> MqttSettings:
        return MqttSettings(host, port, client_id, paths.ca, paths.region_certificate, paths.region_key)

    await renew()
    async with registry.read() as t:
        shut_out, refused = await t.stations.shut_out(), await t.certificates.refused(clock.wall())
    write_access(paths.folder, [station.id for station in shut_out], await authority.revocation_lists(refused))
    if options.broker is None:
        server = await authority.issue_server("broker", where.hosts)
        own = EmbeddedBroker(paths.folder, options.stations_host, port, server, clock)
        await own.start()
    try:
        link = MqttLink(settings(REGION_USER), region_subscriptions(), None, clock)
        yield Line(link, renew, Door(put_in_force, lambda client_id: knock(settings(client_id))))
    finally:
        if own is not None:
            await own.stop()


async def _enrolment_files(data: Path, where: Addresses, authority: AuthorityClient) -> EnrolmentFiles:
    folder = data / "enrolment"
    folder.mkdir(mode=0o700, exist_ok=True)
    files = EnrolmentFiles(folder / "server.pem", folder / "server-key.pem", folder / "clients.pem")
    issued = await authority.issue_server("region", where.hosts)
    write_file(files.certificate, issued.certificate_pem)
    write_file(files.key, issued.key_pem)
    write_file(files.clients, await authority.trust_bundle())
    return files


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
