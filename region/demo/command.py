"""`region demo`: start everything, say how to use it, keep it running, end it all."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from messaging.clock import Clock, SystemClock
from messaging.twin import Language
from region.demo.display import has_display, in_memory, shown_on
from region.demo.errors import DemoError
from region.demo.furnish import Furnished, furnish
from region.demo.plan import HOST, Places, Ports, make_root
from region.demo.processes import Processes, Program, check_programs
from region.demo.ready import Readiness
from region.demo.texts import TEXTS
from region.registry import Registry, database_url

_READY_WITHIN_S = 90.0
_LOCALES: dict[Language, str] = {"en": "en_GB.UTF-8", "da": "da_DK.UTF-8"}
_NEEDED = {"mosquitto": "mosquitto", "setpriv": "util-linux", "Xvfb": "xvfb"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `region demo` takes."""
    languages = get_args(Language)
    language, json_file = os.environ.get("LANG_UI") or "en", os.environ.get("DEMO_JSON")
    parser.add_argument(
        "--language", choices=languages, default=language, help="of pages, screen and panel ($LANG_UI, else en)"
    )
    parser.add_argument(
        "--port", type=int, default=Ports().web,
        help="of the region's pages; the panel, enrolment and the broker take the next three (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--json-file", type=Path, default=Path(json_file) if json_file else None, metavar="PATH",
        help="also write addresses, links, tokens and process ids there ($DEMO_JSON)",
    )  # fmt: skip
    parser.set_defaults(run=main)


def main(options: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C or SIGTERM. 0 ended, 2 could not start (and the reason has been said)."""
    if options.language not in get_args(Language):
        print(f"LANG_UI={options.language}: choose en or da.", file=sys.stderr)
        return DemoError.exit_code
    try:
        _run(Ports(options.port), options.language, options.json_file)
    except DemoError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _run(ports: Ports, language: Language, json_file: Path | None) -> None:
    check_programs(_NEEDED)
    ports.check_free()
    places = Places(make_root())
    try:
        asyncio.run(_Demo(places, ports, language, json_file, SystemClock()).run())
    finally:
        shutil.rmtree(places.root, ignore_errors=True)
        if json_file is not None:
            json_file.unlink(missing_ok=True)


@dataclass
class _Demo:
    places: Places
    ports: Ports
    language: Language
    json_file: Path | None
    clock: Clock

    def __post_init__(self) -> None:
        self.texts = TEXTS[self.language]
        self.processes = Processes(self.places.logs, self.clock, self._write_json)
        self.panel_token = secrets.token_urlsafe(24)
        self.furnished: Furnished | None = None

    async def run(self) -> None:
        """Everything, from the first directory to the last process."""
        begun = self.clock.monotonic()
        print(self.texts.starting, flush=True)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, ended.set)
        self.places.make()
        working = asyncio.create_task(self._start(begun))
        waiting = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
                await ended.wait()
            print(f"\n{self.texts.stopping}", flush=True)
        finally:
            for task in (working, waiting):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, DemoError):
                    await task
            await self.processes.stop()

    async def _start(self, begun: float) -> None:
        await self._furnish()
        readiness = Readiness(self.places, self.ports, self.clock)
        for program in self._programs():
            await self.processes.start(program)
        # The agent last: one that finds no region tries again later and later, as a real one must.
        if await readiness.wait_for_region(_READY_WITHIN_S):
            await self.processes.start(self._agent())
        if not await readiness.wait(_READY_WITHIN_S):
            raise DemoError(self._what_went_wrong(readiness.missing))
        self._write_json()
        print(self._greeting(self.clock.monotonic() - begun), flush=True)

    async def _furnish(self) -> None:
        registry = Registry(database_url(self.places.data))
        try:
            await registry.migrate()
            self.furnished = await furnish(registry, self.places, self.ports, self.language, self.texts, self.clock)
        finally:
            await registry.close()

    def _programs(self) -> list[Program]:
        region = [sys.executable, "-m", "region.cli", "serve", "--data", str(self.places.data), "--host", HOST]
        region += ["--port", str(self.ports.web), "--enrol-port", str(self.ports.enrolment)]
        region += ["--broker-port", str(self.ports.broker), "--language", self.language]
        station = self._station()
        panel = ["panel", "--host", HOST, "--port", str(self.ports.panel)]
        screen = [*station, "screen"]
        display = []
        if not has_display():
            number = self.places.root / "display"
            display = [Program("display", in_memory(number), {})]
            screen = shown_on(number, screen)
        return [
            *display,
            Program("region", region, {}),
            Program("call", [*station, "call"], {}),
            Program("screen", screen, {"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LC_MESSAGES": _LOCALES[self.language]}),
            Program("panel", [*station, *panel], {"STATION_PANEL_TOKEN": self.panel_token}),
        ]

    def _agent(self) -> Program:
        return Program("agent", [*self._station(), "agent"], {})

    def _station(self) -> list[str]:
        return [sys.executable, "-m", "device.cli", "--config", str(self.places.config)]

    def _links(self) -> dict[str, str]:
        if self.furnished is None:
            return {}
        panel = f"http://{HOST}:{self.ports.panel}/?token={self.panel_token}"
        return {"clinic": self.furnished.clinic_link, "panel": panel, "fleet": self.furnished.fleet_link}

    def _greeting(self, seconds: float) -> str:
        names = dict(zip(self._links(), self.texts.links, strict=True))
        width = max(map(len, names.values()))
        rows = [f"  {names[key]:<{width}}  {link}" for key, link in self._links().items()]
        ready = self.texts.ready.format(seconds=seconds)
        return "\n".join((ready, "", *rows, "", self.texts.do, self.texts.stop))

    def _what_went_wrong(self, missing: tuple[str, ...]) -> str:
        words = [f"The demo did not come up within {_READY_WITHIN_S:.0f} s. Missing: {'; '.join(missing)}."]
        for name in ("display", "region", "agent", "call", "screen", "panel"):
            if self.processes.restarts.get(name):
                words.append(f"\n{name} ended {self.processes.restarts[name]} times. The end of its log:")
                words.append(self.processes.last_words(name))
        return "\n".join(words)

    def _write_json(self) -> None:
        if self.json_file is None or self.furnished is None:
            return
        links = self._links()
        document: dict[str, Any] = {
            "addresses": {
                "region": f"http://{HOST}:{self.ports.web}",
                "panel": f"http://{HOST}:{self.ports.panel}",
                "enrolment": f"https://{HOST}:{self.ports.enrolment}",
                "broker": f"{HOST}:{self.ports.broker}",
            },
            "links": links,
            "tokens": {name: link.rpartition("=" if name == "panel" else "/")[2] for name, link in links.items()},
            "pids": {"demo": os.getpid(), **self.processes.pids},
            "station": self.furnished.station,
            "config": str(self.places.config),
            "data": str(self.places.data),
            "runtime_dir": str(self.places.runtime),
            "logs": str(self.places.logs),
            "language": self.language,
        }
        beside = self.json_file.with_name(f".{self.json_file.name}.{os.getpid()}")
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        beside.replace(self.json_file)
