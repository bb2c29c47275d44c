"""What the region stands on: the authority's process, the broker, and the files of the enrolment door."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from messaging.clock import Clock
from messaging.link.inbox import Inbox
from messaging.link.mqtt import MqttLink, MqttSettings, knock
from messaging.link.port import Link
from messaging.topics import region_subscriptions, retained_topics
from provisioning.authority.vault import keep_public
from region.addresses import Addresses
from region.alone import alone_with, of_data, of_database
from region.authority.child import AuthorityChild
from region.authority.client import AuthorityClient
from region.authority.wire import SOCKET
from region.broker import (
    MOST_AT_ONCE,
    REGION_USER,
    BrokerPaths,
    EmbeddedBroker,
    write_access,
    write_configuration,
    write_file,
    write_identity,
    write_server,
)
from region.errors import AlreadyServed
from region.registry import Registry
from region.registry.secrets import EARS
from region.serving.options import ServeOptions
from region.stations.gate import Door, shut_out_of

_log = logging.getLogger(__name__)
_SEVERAL = ". Several at a time need PostgreSQL, and a --data each (docs/operations/scaling.md)"
_MOST_VISITED = 100_000  # messages at QoS 0 that wait to be looked at on a visit


@dataclass(frozen=True)
class Line:
    """The region's clients of the broker, how its certificates are renewed, how the broker is told whom to let in.

    `ears` hear the stations; they are one client for all processes, so that the broker keeps what none has taken.
    `mouth` speaks: the same where there is one process, else a client of this process's own. `visit` makes one that
    listens to these filters for a while, and of which nothing is kept. `trust` is the authority's
    certificates that all of it was made of, PEM.
    """

    ears: Link
    mouth: Link
    visit: Callable[[tuple[str, ...]], Link]
    trust: bytes
    renew: Callable[[], Awaitable[None]]
    door: Door


@dataclass(frozen=True)
class EnrolmentFiles:
    """What the enrolment door's TLS reads; `clients` are the authorities of those who may show a certificate."""

    certificate: Path
    key: Path
    clients: Path


@asynccontextmanager
async def alone_where_it_must_be(options: ServeOptions, registry: Registry) -> AsyncIterator[None]:
    """Nobody else serves with this `--data`, on this SQLite file, or with a broker or authority of its own."""
    with alone_with(of_data(options.data), _SEVERAL):
        if registry.is_sqlite:
            with alone_with(of_database(registry.file), _SEVERAL):
                yield
        elif options.broker is not None and options.authority is not None:
            yield
        else:
            async with registry.holding("its own broker or authority") as still:
                if still is None:
                    raise AlreadyServed(
                        "another region serves this database with a broker or authority of its own: for several"
                        " processes, give each --broker and --authority (docs/operations/scaling.md)"
                    )
                yield


@asynccontextmanager
async def open_authority(options: ServeOptions, clock: Clock) -> AsyncIterator[AuthorityClient]:
    """The authority's process: a child of ours, unless it runs as a service of its own."""
    path = options.authority or options.data / SOCKET
    if options.authority is not None:
        client = AuthorityClient(path)
        keep_public(options.data / "ca", await client.chain())  # for code files, made by the command line
        yield client
        return
    child = AuthorityChild(options.data, path, clock)
    await child.start()
    try:
        yield AuthorityClient(path)
    finally:
        await child.stop()


@asynccontextmanager
async def open_line(
    options: ServeOptions, where: Addresses, registry: Registry, authority: AuthorityClient, clock: Clock
) -> AsyncIterator[Line]:
    """The region's clients of the broker, with our own broker around them unless there is another."""
    paths = BrokerPaths(options.data / "broker")
    host, port = options.broker_address()
    own: EmbeddedBroker | None = None
    for_yours = options.broker is not None and "stations" in options.roles  # written: what a broker is started with

    async def renew() -> None:
        before, trust = roots_in(paths.ca), await authority.trust_bundle()
        write_identity(paths, trust, await authority.issue_client())
        if own is not None:
            own.renew(await authority.issue_server("broker", where.hosts))
        elif for_yours:
            write_server(paths.folder, await authority.issue_server("broker", where.hosts))
        if before and roots_in(paths.ca) != before and (own is not None or options.broker is not None):
            _tell_of_roots(own)

    def put_in_force(shut_out: Iterable[str], revocations: bytes | None) -> None:
        write_access(paths.folder, shut_out, revocations)
        if own is not None:
            own.reload()

    def settings(client_id: str, **more: int) -> MqttSettings:
        return MqttSettings(host, port, client_id, paths.ca, paths.region_certificate, paths.region_key, **more)

    def visit(filters: tuple[str, ...]) -> Link:
        own_id = settings(f"{REGION_USER}-{secrets.token_hex(16)}", kept_s=0, at_once=MOST_AT_ONCE)
        return MqttLink(own_id, filters, None, clock, inbox=Inbox(_MOST_VISITED))

    await renew()
    if "stations" in options.roles:
        async with registry.read() as t:
            shut_out, refused = await shut_out_of(t, clock.wall()), await t.certificates.refused(clock.wall())
        write_access(paths.folder, shut_out, await authority.revocation_lists(refused))
    if for_yours:
        write_configuration(paths.folder, options.stations_host, port)
    if options.broker is None:
        server = await authority.issue_server("broker", where.hosts)
        own = EmbeddedBroker(paths.folder, options.stations_host, port, server, clock)
        await own.start()
    try:
        ears = MqttLink(settings(await ears_id(registry), at_once=MOST_AT_ONCE), region_subscriptions(), None, clock)
        mouth = ears if registry.is_sqlite else MqttLink(settings(options.client_id, kept_s=0), (), None, clock)

        async def clear(station: str) -> None:
            for topic in retained_topics(station):
                await mouth.publish(topic, b"", retain=True)

        door = Door(put_in_force, lambda client_id: knock(settings(client_id)), clear, lambda: ears.is_up)
        yield Line(ears, mouth, visit, paths.ca.read_bytes(), renew, door)
    finally:
        if own is not None:
            await own.stop()


async def ears_id(registry: Registry) -> str:
    """Under which client id all processes of this region hear the stations, one at a time: nobody can guess it.

    mosquitto gives a session to whoever comes with its client id, whatever their certificate: a stolen station that
    knew this one could deafen the region, and throw away what waits for it.
    """
    async with registry.begin() as t:
        return f"{REGION_USER}-{await t.secrets.keep(EARS, secrets.token_hex(16))}"


def roots_in(path: Path) -> frozenset[bytes]:
    """The roots in a file of certificates; none if there is no such file."""
    if not path.exists():
        return frozenset()
    found = x509.load_pem_x509_certificates(path.read_bytes())
    return frozenset(one.fingerprint(hashes.SHA256()) for one in found if one.subject == one.issuer)


def _tell_of_roots(own: EmbeddedBroker | None) -> None:
    """mosquitto reads whom to trust at its start, and not at SIGHUP."""
    if own is not None:
        _log.warning("the authority's roots have changed: mosquitto is started anew, and everybody connects again")
        own.restart()
    else:
        _log.error("ALARM: the authority's roots have changed: give broker/ca.pem to your broker, and restart it")


async def enrolment_files(data: Path, where: Addresses, authority: AuthorityClient) -> EnrolmentFiles:
    """A new certificate for the enrolment door, and whose certificates it takes."""
    folder = data / "enrolment"
    folder.mkdir(mode=0o700, exist_ok=True)
    files = EnrolmentFiles(folder / "server.pem", folder / "server-key.pem", folder / "clients.pem")
    issued = await authority.issue_server("region", where.hosts)
    write_file(files.certificate, issued.certificate_pem)
    write_file(files.key, issued.key_pem)
    write_file(files.clients, await authority.trust_bundle())
    return files
