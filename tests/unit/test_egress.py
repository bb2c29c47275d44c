"""HTTPS through the proxy that a config names: every kind, with a login; and one that leads nowhere is gone round."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from messaging.clock import SystemClock
from messaging.settings import Proxy
from provisioning.station.egress import Egress, Streams, bypassed
from provisioning.station.enrol import Enrolment
from provisioning.station.errors import BadAnswer, RegionUnreachable
from provisioning.station.keystore import Keystore
from provisioning.station.region_client import ask
from provisioning.station.region_time import ask_time
from tests.kits.servers.broker import free_port
from tests.kits.servers.est_server import EstServer, est_server
from tests.kits.servers.proxy import Between, proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")
LOGIN = ("station", "a word: with a colon, æ")
CLOCK = SystemClock()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def region(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EstServer]:
    async with est_server(tmp_path_factory.mktemp("region"), "st-k3m9q2x7") as region:
        yield region


async def _is_told(region: EstServer, said: Proxy, trust: ssl.SSLContext | None = None) -> None:
    roots = tuple(one for one in region.authority.chain if one.issuer == one.subject)
    out = Egress(lambda: said) if trust is None else Egress(lambda: said, lambda: trust)
    told = await ask_time(f"https://localhost:{region.port}", roots, CLOCK, out)
    assert abs(told.at - CLOCK.wall()) < 60


def _named(between: Between, login: tuple[str, str] = ("", ""), *bypass: str) -> Proxy:
    return Proxy(between.url, *login, bypass)


@pytest.mark.parametrize("login", [None, LOGIN])
@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_through_a_proxy_of_either_kind(region: EstServer, scheme: str, login: tuple[str, str] | None) -> None:
    async with proxy(scheme, login) as between:
        await _is_told(region, _named(between, login or ("", "")))
        assert between.asked == [("localhost", region.port)]


async def test_a_region_that_goes_on_and_on_is_not_listened_to() -> None:
    """Whoever stands where a station's region should be does not fill its memory."""
    told = 0

    async def talks(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal told
        with contextlib.suppress(OSError):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not writer.is_closing():
                writer.write(bytes(64 * 1024))
                told += 64 * 1024
                await writer.drain()

    class Plain(Egress):
        async def connect(self, host: str, port: int, _context: ssl.SSLContext) -> Streams:
            return await asyncio.open_connection(host, port)

    server = await asyncio.start_server(talks, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BadAnswer, match="longer than"):
            await ask(f"https://127.0.0.1:{port}", ssl.create_default_context(), "GET", "/cacerts", out=Plain())
    assert told < 16 * 2**20, "what fits into the two sockets, and no more"


async def test_through_a_proxy_that_is_reached_by_tls_itself(region: EstServer) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(region.folder / "server.pem", region.folder / "server-key.pem")
    trust = ssl.create_default_context(cadata=region.authority.trust_bundle().decode())
    async with proxy("https", LOGIN, tls=server) as between:
        await _is_told(region, _named(between, LOGIN), trust)
        assert between.asked == [("localhost", region.port)]


async def test_a_whole_enrolment_goes_through_it(region: EstServer, tmp_path: Path) -> None:
    async with proxy("http") as between:
        await region.print_code(tmp_path / "code.toml")
        out = Egress(lambda: _named(between))
        await Enrolment(Keystore(tmp_path / "state"), tmp_path / "code.toml", out).enrol()
        assert between.asked == [("localhost", region.port)] * 2


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_one_that_does_not_take_the_login_is_gone_round_and_the_login_is_nowhere_said(
    region: EstServer, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with proxy(scheme, LOGIN) as between:
        await _is_told(region, _named(between, ("station", "hunter2hunter2")))
        assert (between.asked, between.refused) == ([], 1)
    assert "is gone round" in caplog.text
    assert "hunter2" not in caplog.text


async def test_one_that_is_not_there_or_is_no_proxy_is_gone_round(region: EstServer) -> None:
    await _is_told(region, Proxy(f"http://localhost:{free_port()}"))
    for scheme in ("http", "https"):
        await _is_told(region, Proxy(f"{scheme}://localhost:{region.port}"))


async def test_one_that_answers_in_the_region_s_place_learns_nothing_and_is_gone_round(
    region: EstServer, tmp_path: Path
) -> None:
    """It shows a certificate of its own, as one that looks into TLS does."""
    async with est_server(tmp_path / "liar", "st-k3m9q2x7") as liar, proxy("http", elsewhere=liar.port) as between:
        context = ssl.create_default_context(cadata=region.authority.trust_bundle().decode())
        _, writer = await Egress(lambda: _named(between)).connect("localhost", region.port, context)
        writer.close()
        await writer.wait_closed()
        assert len(between.asked) == 1
        assert liar.asked == []


async def test_a_region_that_is_away_is_said_to_be_away_with_a_proxy_too(region: EstServer) -> None:
    roots = tuple(one for one in region.authority.chain if one.issuer == one.subject)
    async with proxy("http") as between:
        with pytest.raises(RegionUnreachable):
            await ask_time(f"https://localhost:{free_port()}", roots, CLOCK, Egress(lambda: _named(between)))


async def test_a_login_that_socks_cannot_say_is_no_reason_to_stay_away(region: EstServer) -> None:
    async with proxy("socks5", LOGIN) as between:
        await _is_told(region, _named(between, ("æ" * 128, "x")))
        assert between.asked == []


@pytest.mark.parametrize("bypass", ["localhost", "LOCALHOST"])
async def test_what_is_to_be_reached_without_it_is(region: EstServer, bypass: str) -> None:
    async with proxy("http") as between:
        await _is_told(region, _named(between, ("", ""), bypass))
        assert between.asked == []


@given(st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){1,3}", fullmatch=True), st.from_regex(r"[a-z]{1,8}", fullmatch=True))
async def test_a_domain_stands_for_all_below_it_and_for_none_beside_it(domain: str, name: str) -> None:
    said = Proxy("http://proxy.example:3128", bypass=(domain,))
    assert bypassed(said, domain)
    assert bypassed(said, f"{name}.{domain}")
    assert not bypassed(said, f"{name}{domain}")
