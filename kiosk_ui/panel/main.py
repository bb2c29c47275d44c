"""`station panel`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import sys
from collections.abc import Generator
from pathlib import Path

import uvicorn

from kiosk_ui.panel import PanelError
from kiosk_ui.panel.access import Access, allowed_hosts, listen, loopback
from kiosk_ui.panel.app import make_app
from kiosk_ui.panel.hub import Hub
from kiosk_ui.panel.state import panel_state
from kiosk_ui.station import Station
from messaging.clock import SystemClock
from messaging.sound import SPEAKER_RING

_EXIT_USAGE = 2
_GRACE_S = 1


def main(runtime_dir: Path, host: str, port: int, token: str, mirror: str) -> int:
    """Serve the panel until SIGTERM or SIGINT. Without a token it makes one and prints the link. An exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        address = loopback(host)
        taken = listen(address, port)
    except PanelError as error:
        print(f"station panel: {error}", file=sys.stderr)
        return _EXIT_USAGE
    with taken:
        port = taken.getsockname()[1]
        if not token:
            token = secrets.token_urlsafe(24)
            print(f"http://{host}:{port}/?token={token}", flush=True)
        asyncio.run(serve(runtime_dir, taken, Access(token), allowed_hosts(address, port), mirror))
    return 0


async def serve(runtime_dir: Path, taken: socket.socket, access: Access, hosts: frozenset[str], mirror: str) -> None:
    """Serve on a socket that is bound already, until a signal."""
    clock = SystemClock()
    hub = Hub(Path(mirror) if mirror else None, runtime_dir / SPEAKER_RING, clock)

    def tell() -> None:
        hub.tell("state", panel_state(station.call, station.agent, station.language("en")))

    station = Station(runtime_dir, clock, on_change=tell)
    tell()
    # The address of the first visit holds the token: no access log.
    config = uvicorn.Config(
        make_app(station, hub, access, hosts), log_config=None, access_log=False, server_header=False, lifespan="off",
        ws="none", timeout_graceful_shutdown=_GRACE_S,
    )  # fmt: skip
    server = _Server(config, hub)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(station.run())]
    try:
        await server.serve([taken])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Server(uvicorn.Server):
    """Ends its endless streams when it is told to stop, and leaves the signals to us."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    def stop(self) -> None:
        """Finish what is being answered, and stop."""
        self.should_exit = True
        self._hub.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """uvicorn would raise the signal again after an orderly end."""
        yield
