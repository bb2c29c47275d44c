"""The region's own certificates are renewed while it runs: new connections get new ones, open ones go on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from messaging.clock import SystemClock
from messaging.link.mqtt import MqttLink, MqttSettings
from messaging.link.port import Inbound
from provisioning.authority.ca import SERVICE_DAYS, Issued
from provisioning.authority.errors import AuthorityUnusable
from provisioning.authority.vault import open_authority
from region.broker import REGION_USER, BrokerPaths, EmbeddedBroker, write_access, write_file, write_identity
from region.doors.http import HttpServer, http_server, serve_on
from region.doors.ports import take_port
from region.serving.renewal import DAY_S, CertificateWatch, Renewal, RotationWatch
from tests.kits.clock import ManualClock
from tests.kits.servers.broker import free_port

HOST = "127.0.0.1"


async def test_half_way_through_their_life_they_are_renewed_once() -> None:
    clock, renewed = ManualClock(), []

    async def renew() -> None:
        renewed.append(clock.wall())

    running = asyncio.create_task(Renewal(clock, (renew,)).run())
    began = clock.wall()
    for _ in range(SERVICE_DAYS - 1):
        await clock.advance(DAY_S)
    running.cancel()
    assert [round((at - began) / DAY_S) for at in renewed] == [199, 398][: len(renewed)]
    assert len(renewed) == 1


@pytest.mark.parametrize("error", [OSError("no room"), AuthorityUnusable("it ends")])
async def test_what_fails_is_told_and_comes_again_the_next_day(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    clock, failures, done = ManualClock(), [error], []

    async def renew() -> None:
        if failures:
            raise failures.pop()
        done.append(clock.wall())

    renewal = Renewal(clock, (renew,))
    assert await renewal.look() is False
    clock.set_wall(clock.wall() + 300 * DAY_S)
    assert (await renewal.look(), done) == (False, [])
    assert str(error) in caplog.text
    assert (await renewal.look(), len(done), await renewal.look()) == (True, 1, False)


async def test_a_rotation_is_followed_at_once_and_only_once(caplog: pytest.LogCaptureFixture) -> None:
    trust: list[bytes | Exception] = [b"old"]
    done: list[str] = []
    failing = [OSError("no room")]

    async def asked() -> bytes:
        if isinstance(trust[-1], Exception):
            raise trust[-1]
        return trust[-1]

    async def renew() -> None:
        if failing:
            raise failing.pop()
        done.append("renewed")

    watch = RotationWatch(ManualClock(), asked, b"old", (renew,))
    assert await watch.look() is False
    trust.append(AuthorityUnusable("the authority is away"))
    assert [await watch.look(), await watch.look()] == [False, False]
    assert caplog.text.count("the authority is away") == 1, "each cause is told once"
    trust.append(b"new")
    assert [await watch.look(), await watch.look(), await watch.look()] == [False, True, False]
    assert done == ["renewed"]


async def _offered(port: int, ca: Path, client: tuple[Path, Path] | None = None) -> bytes:
    """The certificate that a new connection is offered, DER."""
    context = ssl.create_default_context(cafile=str(ca))
    if client is not None:
        context.load_cert_chain(*client)
    async with asyncio.timeout(10):
        _, writer = await asyncio.open_connection(HOST, port, ssl=context)
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(True)
        writer.close()
        await writer.wait_closed()
    return found


def _der(issued: Issued) -> bytes:
    return ssl.PEM_cert_to_DER_cert(issued.certificate_pem.decode().partition("-----END CERTIFICATE-----")[0]
                                    + "-----END CERTIFICATE-----\n")  # fmt: skip


@pytest.mark.system
async def test_the_broker_offers_the_new_one_and_drops_nobody(tmp_path: Path) -> None:
    clock = SystemClock()
    authority = open_authority(tmp_path / "ca", clock)
    paths, port = BrokerPaths(tmp_path / "broker"), free_port()
    write_identity(paths, authority.trust_bundle(), authority.issue_client(REGION_USER))
    write_access(paths.folder, (), authority.revocation_lists((), 1, int(clock.wall()) - 60))
    first, second = (authority.issue_server("broker", [HOST]) for _ in range(2))
    broker = EmbeddedBroker(paths.folder, HOST, port, first, clock)
    await broker.start()
    client = (paths.region_certificate, paths.region_key)
    link = MqttLink(MqttSettings(HOST, port, REGION_USER, paths.ca, *client), ("vs/1/#",), None, clock)
    await link.start()
    events = link.events()
    try:
        async with asyncio.timeout(20):
            assert type(await anext(events)).__name__ == "Up"
            assert await _offered(port, paths.ca, client) == _der(first)
            broker.renew(second)
            while await _offered(port, paths.ca, client) != _der(second):
                await clock.sleep(0.05)  # mosquitto says nothing when it has read them
            await link.publish("vs/1/d/st-00000001/dn/desired", b"x")
            event = await anext(events)
        assert isinstance(event, Inbound), "the open connection was dropped"
    finally:
        await link.stop()
        await broker.stop()


@asynccontextmanager
async def _door(certificate: Path, key: Path) -> AsyncIterator[tuple[HttpServer, int]]:
    """A door with them, and its port."""

    async def app(_scope: object, _receive: object, _send: object) -> None: ...

    server, port = http_server(app, certificate, key), free_port()
    listener = take_port(HOST, port, "enrolment", "--enrol-port")
    serving = asyncio.create_task(serve_on(server, listener))
    await server.listening.wait()
    yield server, port
    server.should_exit = True
    await serving
    listener.close()


async def test_the_enrolment_door_offers_the_new_one_without_a_restart(tmp_path: Path) -> None:
    authority = open_authority(tmp_path / "ca", SystemClock())
    ca, certificate, key = (tmp_path / name for name in ("ca.pem", "server.pem", "server-key.pem"))
    ca.write_bytes(authority.trust_bundle())
    first, second = (authority.issue_server("region", [HOST]) for _ in range(2))

    def write(issued: Issued) -> None:
        write_file(certificate, issued.certificate_pem)
        write_file(key, issued.key_pem)

    write(first)
    async with _door(certificate, key) as (server, port):
        assert await _offered(port, ca) == _der(first)
        write(second)
        server.reload_certificate()
        assert await _offered(port, ca) == _der(second)


async def test_the_pages_follow_a_certificate_that_others_renew_even_half_by_half(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As an ACME client leaves them: the certificate first, its key a moment later."""
    authority = open_authority(tmp_path / "ca", SystemClock())
    ca, certificate, key = (tmp_path / name for name in ("ca.pem", "server.pem", "server-key.pem"))
    ca.write_bytes(authority.trust_bundle())
    first, second = (authority.issue_server("region", [HOST]) for _ in range(2))
    write_file(certificate, first.certificate_pem)
    write_file(key, first.key_pem)
    async with _door(certificate, key) as (server, port):
        watch = CertificateWatch(ManualClock(), (certificate, key), server.reload_certificate)
        assert watch.look() is False, "nothing is new"
        write_file(certificate, second.certificate_pem)
        assert [watch.look(), watch.look()] == [False, False]
        assert caplog.text.count("the one before is kept") == 1
        assert await _offered(port, ca) == _der(first), "half a pair costs nobody the door"
        write_file(key, second.key_pem)
        assert [watch.look(), watch.look()] == [True, False]
        assert await _offered(port, ca) == _der(second)
        key.unlink()
        assert watch.look() is False
        assert await _offered(port, ca) == _der(second)
