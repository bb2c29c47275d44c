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
from pathlib import Path

from messaging.clock import Clock, SystemClock
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.link.port import Link
from messaging.sd_notify import notify, watchdog_interval
from messaging.topics import region_subscriptions
from provisioning.authority.ca import CertificateAuthority, Issued, open_authority
from provisioning.authority.enrolment import Enrolment
from region import addresses as address_book
from region.addresses import Addresses
from region.broker import REGION_USER, BrokerPaths, EmbeddedBroker, write_file, write_identity
from region.desk.subject import subject as desk_subject
from region.evaluation.subject import subject as evaluation_subject
from region.fleet.subject import subject as fleet_subject
from region.listening import check_port, take_port
from region.options import ServeOptions
from region.registry import Registry, database_url
from region.registry.store import RegistryEnrolmentStore
from region.renewal import Renewal
from region.serving import HttpServer, http_server, serve_on
from region.stations.est import build_est
from region.stations.publishing import Publisher
from region.stations.service import StationService
from region.stations.subject import subject as stations_subject
from region.web.context import Region, WebSettings
from region.web.events import Hub
from region.web.limits import Limits
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
    subjects: tuple[Subject, ...]
    site: HttpServer
    enrolment: HttpServer


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
        registry = await stack.enter_async_context(open_registry(options.data))
        authority = open_authority(options.data / "ca", clock)
        link, renew_broker = await stack.enter_async_context(_broker(options, where, authority, clock))
        address_book.save(options.data, where)
        house = compose(options, where, registry, authority, link, clock)
        stop = _stop_on_signals()

        def renew_enrolment() -> None:
            _tls_files(options.data, authority.issue_server("region", where.hosts))
            house.enrolment.reload_certificate()

        renewal = Renewal(clock, (renew_broker, renew_enrolment))
        await _run(house, renewal, web, enrol, stop, lambda: on_ready(where))


@asynccontextmanager
async def open_registry(data: Path) -> AsyncIterator[Registry]:
    """The registry of the region's data, brought up to this version's schema."""
    registry = Registry(database_url(data))
    try:
        revision = await registry.migrate()
        _log.info("the database is at revision %s", revision)
        yield registry
    finally:
        await registry.close()


def compose(
    options: ServeOptions, where: Addresses, registry: Registry, authority: CertificateAuthority, link: Link,
    clock: Clock,
) -> House:  # fmt: skip
    """Everything wired up; nothing runs yet."""
    wire = Wire(link, registry, clock)
    settings = WebSettings(where.public_url, options.language, options.turn())
    region = Region(
        settings=settings, registry=registry, clock=clock, hub=Hub(clock), pages=Pages(clock, options.language),
        downlink=wire, passwords=Passwords(), limits=Limits(),
    )  # fmt: skip
    enrolment = Enrolment(RegistryEnrolmentStore(registry, clock), authority, clock)
    service = StationService(registry, clock, enrolment, authority.root_sha256, where)
    publisher = Publisher(registry, wire, clock)
    wire.when_up(publisher.broker_came_up)
    subjects = (
        desk_subject(region), fleet_subject(region), stations_subject(service, enrolment, publisher),
        evaluation_subject(region),
    )  # fmt: skip
    for subject in subjects:
        wire.add(subject)
    tls = _tls_files(options.data, authority.issue_server("region", where.hosts))
    site = http_server(build_site(region, subjects), options.tls_certificate, options.tls_key)
    return House(region, wire, subjects, site, http_server(build_est(enrolment, authority), *tls))


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
async def _broker(
    options: ServeOptions, where: Addresses, authority: CertificateAuthority, clock: Clock
) -> AsyncIterator[tuple[Link, Callable[[], None]]]:
    """The region's client of the broker, with our own broker around it unless there is another; and its renewal."""
    paths = BrokerPaths(options.data / "broker")
    host, port = options.broker_address()
    own: EmbeddedBroker | None = None

    def renew() -> None:
        write_identity(paths, authority.trust_bundle(), authority.issue_client(REGION_USER))
        if own is not None:
            own.renew(authority.issue_server("broker", where.hosts))

    renew()
    if options.broker is None:
        server = authority.issue_server("broker", where.hosts)
        own = EmbeddedBroker(paths.folder, options.stations_host, port, server, clock)
        await own.start()
    try:
        settings = MqttSettings(host, port, REGION_USER, paths.ca, paths.region_certificate, paths.region_key)
        yield MqttLink(settings, region_subscriptions(), None, clock), renew
    finally:
        if own is not None:
            await own.stop()


def _tls_files(data: Path, issued: Issued) -> tuple[Path, Path]:
    folder = data / "enrolment"
    folder.mkdir(mode=0o700, exist_ok=True)
    certificate, key = folder / "server.pem", folder / "server-key.pem"
    write_file(certificate, issued.certificate_pem)
    write_file(key, issued.key_pem)
    return certificate, key


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
            await t.stations.unpublished()
        notify("WATCHDOG=1")
        await asyncio.sleep(interval_s)
