"""How each of the station's processes runs: logging, an orderly end on SIGTERM, and what systemd is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from device.runtime.errors import StationError
from messaging.log_lines import OneLine
from messaging.sd_notify import notify, watchdog_interval

_log = logging.getLogger(__name__)
EXIT_OK, EXIT_FAULT, EXIT_USAGE = 0, 1, 2
_OURS = ("device", "messaging", "provisioning")


class Watchdog:
    """Feeds systemd's watchdog only while the process makes progress."""

    def __init__(self) -> None:
        self._progressed = False

    def ready(self) -> None:
        """The process can do its work now."""
        notify("READY=1")

    def progress(self) -> None:
        """Its main work has gone round once more."""
        self._progressed = True

    async def feed(self, interval_s: float) -> None:
        """Every interval, a sign of life if there was progress since the last."""
        while True:
            await asyncio.sleep(interval_s)
            if self._progressed:
                self._progressed = False
                notify("WATCHDOG=1")


def set_up_logging() -> None:
    """Log to stderr: systemd's level prefixes in the journal, readable times elsewhere; STATION_LOG sets the level."""
    level = os.environ.get("STATION_LOG", "INFO").upper()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JournalFormatter("%(name)s: %(message)s")
        if "JOURNAL_STREAM" in os.environ
        else OneLine("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level if level in logging.getLevelNamesMapping() else "INFO", handlers=[handler])


def set_log_level(level: str) -> None:
    """How much is logged, as the config has it; STATION_LOG, set by a hand at the station, comes first.

    `debug` is of our own parts only: a vendor's would log each packet, and addresses and keys with it.
    """
    if "STATION_LOG" in os.environ:
        return
    number = logging.getLevelNamesMapping()[level.upper()]
    for name, wanted in (("", max(number, logging.INFO)), *((name, number) for name in _OURS)):
        logger = logging.getLogger(name)
        if logger.level != wanted:  # setting it empties every logger's cache
            logger.setLevel(wanted)


def run_service(name: str, main: Callable[[Watchdog], Awaitable[None]]) -> int:
    """Run `main` until it ends or SIGTERM or SIGINT comes; an exit code. A StationError is said without a trace."""
    set_up_logging()
    try:
        asyncio.run(_run(name, main))
    except StationError as error:
        _log.error("%s cannot run: %s", name, error)
        return EXIT_FAULT
    return EXIT_OK


async def _run(name: str, main: Callable[[Watchdog], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    watchdog = Watchdog()
    work = asyncio.ensure_future(main(watchdog))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    interval = watchdog_interval()
    feeding = asyncio.ensure_future(watchdog.feed(interval)) if interval else None
    try:
        await work
    except asyncio.CancelledError:
        _log.info("%s stops", name)
    finally:
        notify("STOPPING=1")
        if feeding is not None:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding


class _JournalFormatter(OneLine):
    def format(self, record: logging.LogRecord) -> str:
        level = 3 if record.levelno >= logging.ERROR else 4 if record.levelno >= logging.WARNING else 6
        return f"<{7 if record.levelno < logging.INFO else level}>{super().format(record)}".replace(
            "\n", f"\n<{level}>"
        )
