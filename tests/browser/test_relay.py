"""A call through a real coturn: both ends use the time-limited credentials that the region made for them."""

from __future__ import annotations

import asyncio
import contextlib
import re
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.broker import free_port
from tests.browser.desk_page import GRANT, chromium, desk_of
from tests.house import running_house

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

SECRET = "a secret between the region and its relay"
# All that the browser sends goes through the relay, as on a network that lets nothing else out.
_RELAY_ONLY = """
window.RTCPeerConnection = class extends window.RTCPeerConnection {
  constructor(options) { super({ ...options, iceTransportPolicy: "relay" }); }
  setConfiguration(options) { super.setConfiguration({ ...options, iceTransportPolicy: "relay" }); }
};
"""


async def test_both_ends_get_an_address_of_the_relay_and_the_call_goes_through_it(tmp_path: Path) -> None:
    secret, port = tmp_path / "secret", free_port()
    secret.write_text(SECRET)
    options = ("--turn-url", f"turn:127.0.0.1:{port}", "--turn-secret-file", str(secret))
    async with coturn(port, tmp_path) as relay, running_house(serve=options) as house, chromium(GRANT) as browser:
        station = await house.add_station()
        anna = await desk_of(browser)
        await anna.page.add_init_script(_RELAY_ONLY)
        await anna.open(await house.sign_in_link(await house.add_clinician("anna")))
        station.face.press()
        await anna.button("Answer").click()
        await anna.state("live")
        await asyncio.gather(anna.sees(30), station.face.sees(30))
        await anna.button("Hang up").click()
        await station.rested()
        assert await allocations(relay, {station.id, "anna"}) == {station.id, "anna"}


@contextlib.asynccontextmanager
async def coturn(port: int, folder: Path) -> AsyncIterator[Process]:
    """A relay on loopback; its log is on its standard output."""
    process = await asyncio.create_subprocess_exec(
        "turnserver", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}",
        "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=laegeknap.test", "--allow-loopback-peers",
        "--no-tls", "--no-dtls", "--no-cli", "--log-file=stdout", "--simple-log", "--verbose",
        f"--pidfile={folder / 'pid'}", f"--userdb={folder / 'users'}", stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def allocations(relay: Process, wanted: set[str]) -> set[str]:
    """Whose credentials got an address of the relay."""
    assert relay.stdout is not None
    found: set[str] = set()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            while found != wanted:
                line = (await relay.stdout.readline()).decode(errors="replace")
                match = re.search(r"user <\d+:([\w-]+)>: incoming packet ALLOCATE processed, success", line)
                if match:
                    found.add(match[1])
    return found
