"""A whole house for tests: a real region with its broker, real station processes with `sim` hardware, and people.

    async with running_house() as house:
        station = await house.add_station("Room 4")
        doctor = await house.add_clinician("anna", "Anna Holm")
        link = await house.sign_in_link(doctor)          # for a browser
        station.face.press()                              # a hand at the station
        await station.face.state("in_call")

Everything has free ports, a short directory on a memory disk, and ends with the `with`. What dies is started again, as
systemd would; `house.kill_region()` and `station.kill("call")` are there for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from messaging.claim import RegionFile, write_region_file
from messaging.clock import Clock, SystemClock
from messaging.enrolment import CodeFile, write_code_file
from messaging.frames import RingReader
from messaging.local import REMOTE_RING, Levels, Message, Watch
from messaging.twin import Language
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.vault import open_authority
from region.demo.display import in_memory, shown_on
from region.demo.plan import make_root
from region.demo.processes import Processes, Program
from region.registry import Registry, database_url
from region.registry.records import AuditRow, Clinic, Person, Site
from region.registry.store import RegistryEnrolmentStore
from region.web.sign_in import make_link
from tests.kits.eventually import eventually
from tests.kits.servers.broker import free_port
from tests.kits.trust.enrolment_store import InMemorySigner
from tests.process.call_stage import ScreenDouble

HOST = "127.0.0.1"
READY_S = 60.0  # generous: eight processes on a busy machine


class Face(ScreenDouble):
    """What a person at the station sees and hears, and can do: a client of `call.sock`, and the ring of pictures."""

    def __init__(self, runtime_dir: Path) -> None:
        super().__init__(runtime_dir)
        self.levels: Levels | None = None
        self._ring = RingReader(runtime_dir / REMOTE_RING)

    async def sees(self, pictures: int, seconds: float = 20.0) -> None:
        """So many different pictures of the clinician come out of the ring."""
        async with asyncio.timeout(seconds):
            for _ in range(pictures):
                await eventually(lambda: self._ring.read() is not None, seconds)

    async def hears(self, above_db: float = -50.0, seconds: float = 15.0) -> Levels:
        """The loudspeaker plays something that is not silence."""
        return await self.until(
            lambda: self.levels if self.levels and self.levels.speaker_db > above_db else None,
            f"the loudspeaker is above {above_db} dB; last: {self.levels}", seconds,
        )  # fmt: skip

    def watch_levels(self) -> None:
        """Ask for the levels, on the connection there is now."""
        assert self._client.send(Watch("levels"))

    async def close(self) -> None:
        """Let go of everything."""
        await super().close()
        self._ring.close()

    def _heard(self, message: Message) -> None:
        if isinstance(message, Levels):
            self.levels = message
        super()._heard(message)


@dataclass
class RunningStation:
    """One station: its id, its directories, its face."""

    id: str
    name: str
    folder: Path
    processes: Processes
    face: Face

    @property
    def runtime_dir(self) -> Path:
        """Sockets and rings."""
        return self.folder / "run"

    @property
    def mirror(self) -> Path:
        """The newest picture of the screen, if the screen runs."""
        return self.runtime_dir / "screen.jpg"

    def pid(self, process: str) -> int:
        """The process id of `agent`, `call` or `screen`."""
        return self.processes.pids[f"{self.id}-{process}"]

    def kill(self, process: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End one of its processes; it is started again at once."""
        os.kill(self.pid(process), number)

    async def ready(self, seconds: float = READY_S) -> None:
        """A press would call."""
        await self.face.state("idle", seconds)

    async def rested(self) -> None:
        """The call is over, and a press has put away how it ended."""
        view = await self.face.shows(lambda view: view.state in ("feedback", "idle"), "the call is over")
        if view.state == "feedback":
            self.face.press()
            seen = await self.face.shows(lambda now: now.presses != view.presses, "the press is felt")
            if seen.state == "calling":  # how it ended had gone by itself just then
                self.face.press()
                await self.rested()
        await self.ready()


@dataclass
class House:
    """The region and its stations."""

    root: Path
    clock: Clock
    processes: Processes
    registry: Registry
    clinic: Clinic
    site: Site
    web: int
    enrolment: int
    broker: int
    language: Language
    stations: list[RunningStation] = field(default_factory=list)
    name: str = HOST  # as people type it

    @property
    def url(self) -> str:
        """The region's pages."""
        return f"http://{self.name}:{self.web}"

    def kill_region(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the region, and its broker with it; it is started again at once."""
        os.kill(self.processes.pids["region"], number)

    @contextlib.asynccontextmanager
    async def without_region(self) -> AsyncIterator[None]:
        """It has died, and the one that takes its place begins when this ends, however quick that is."""
        old = self.processes.pids["region"]
        self.kill_region()

        def another() -> int | None:
            pid = self.processes.pids.get("region")
            return pid if pid != old else None

        new = await eventually(another, READY_S)
        os.kill(new, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(new, signal.SIGCONT)

    async def answers(self) -> bool:
        """Whether the pages come: the port is taken long before."""
        try:
            async with httpx.AsyncClient(timeout=5.0) as browser:
                page = await browser.get(f"{self.url}/sign-in", headers={"accept": "text/html"})
                return page.status_code == 200
        except httpx.TransportError:
            return False

    async def region_ready(self) -> None:
        """The pages answer."""
        await eventually(
            self._answers_or_never_will, READY_S, every_s=0.05, why=lambda: self.processes.last_words("region")
        )

    async def _answers_or_never_will(self) -> bool:
        if self.processes.restarts.get("region", 0) > 5:
            raise AssertionError(f"the region does not start:\n{self.processes.last_words('region')}")
        return await self.answers()

    async def add_clinician(self, name: str, display_name: str = "", title: str = "GP") -> Person:
        """Somebody who answers calls of the clinic."""
        async with self.registry.begin() as t:
            return await t.people.add(
                name, "clinician", self.clock.wall(), clinic_id=self.clinic.id, title=title, language=self.language,
                display_name=display_name or name.title(),
            )  # fmt: skip

    async def add_admin(self, name: str = "ivan") -> Person:
        """Somebody of the region's IT."""
        async with self.registry.begin() as t:
            return await t.people.add(name, "it_admin", self.clock.wall(), language=self.language)

    async def sign_in_link(self, person: Person) -> str:
        """An address that signs that person in, once."""
        return await make_link(self.registry, self.url, person, self.clock.wall(), 3600.0, whole=True)

    async def add_station(
        self, name: str = "Room 4", *, call: bool = True, screen: bool = False, width: int = 640, height: int = 480,
        framing: bool = False, broker: int | None = None, around: Mapping[str, str] | None = None, **more: str | int,
    ) -> RunningStation:  # fmt: skip
        """A new station, enrolled by its code file, its processes running and ready for a press.

        Without `call` only its agent runs. `broker` is another port by which it reaches the broker. `around` is added
        to its processes' environment. `more` are lines of its config below [sim], e.g. `camera="/some/video.mp4"`.
        `framing` is off, so that the time code stays in view.
        """
        async with self.registry.begin() as t:
            record = await t.stations.add(name, self.site.id, self.clinic.id, self.clock.wall(), language=self.language)
        folder = self.root / record.id
        for part in ("run", "state"):
            (folder / part).mkdir(parents=True, mode=0o700)
        await self._write_card(record.id, folder, broker or self.broker)
        _write_config(folder, width, height, framing, more)
        station = RunningStation(record.id, name, folder, self.processes, Face(folder / "run"))
        self.stations.append(station)
        for process in ("agent", "call") if call else ("agent",):
            await self.processes.start(Program(f"{record.id}-{process}", _station(folder, process), dict(around or {})))
        if screen:
            await self._start_screen(record.id, folder)
        if call:
            await station.ready()
            station.face.watch_levels()
        return station

    async def add_unclaimed(self, name: str = "unclaimed") -> RunningStation:
        """A station that knows where its region is and nothing else; its `id` here is not what the region calls it."""
        folder = self.root / name
        for part in ("run", "state"):
            (folder / part).mkdir(parents=True, mode=0o700)
        root_sha256 = open_authority(self.root / "region" / "ca", self.clock).root_sha256
        content = RegionFile(f"https://{HOST}:{self.enrolment}", root_sha256, f"{HOST}:{self.broker}")
        (folder / "region.toml").write_text(write_region_file(content), encoding="utf-8")
        _write_config(folder, 640, 480, False, {})
        station = RunningStation(name, name, folder, self.processes, Face(folder / "run"))
        self.stations.append(station)
        for process in ("agent", "call"):
            await self.processes.start(Program(f"{name}-{process}", _station(folder, process), {}))
        return station

    async def nobody_in_call(self) -> None:
        """The region knows that every call is over; the two ends may have told each other sooner."""

        async def over() -> bool:
            async with self.registry.read() as t:
                return not await t.calls.open()

        await eventually(over, READY_S)

    async def audit(self, action: str = "call.") -> list[AuditRow]:
        """The audit's rows of these actions, oldest first."""
        async with self.registry.read() as t:
            rows = await t.audit.recent(500)
        return [row for row in reversed(rows) if row.action.startswith(action)]

    def logs(self) -> str:
        """The end of each process's log, for a test that failed."""
        return "\n".join(f"--- {name}\n{self.processes.last_words(name)}" for name in self.processes.pids)

    async def _write_card(self, station: str, folder: Path, broker: int) -> None:
        authority = open_authority(self.root / "region" / "ca", self.clock)
        code = await Enrolment(
            RegistryEnrolmentStore(self.registry, self.clock), InMemorySigner(authority), self.clock
        ).invite(station)
        card = CodeFile(f"https://{HOST}:{self.enrolment}", authority.root_sha256, code, station, f"{HOST}:{broker}")
        (folder / "card.toml").write_text(write_code_file(card), encoding="utf-8")

    async def _start_screen(self, station: str, folder: Path) -> None:
        number = folder / "display"
        command = shown_on(number, _station(folder, "screen"))
        await self.processes.start(Program(f"{station}-display", in_memory(number), {}))
        await self.processes.start(Program(f"{station}-screen", command, {"LC_ALL": "C.UTF-8"}))


@contextlib.asynccontextmanager
async def running_house(language: Language = "en", serve: Sequence[str] = (), name: str = HOST) -> AsyncIterator[House]:
    """A region that runs, with a clinic and a site; `serve` are further options, `name` is what people type."""
    root, clock = make_root(), SystemClock()
    (root / "log").mkdir()
    (root / "region").mkdir(mode=0o700)
    registry = Registry(database_url(root / "region"))
    await registry.migrate()
    async with registry.begin() as t:
        clinic = await t.clinics.add("Bakkens Klinik", "+45 12 34 56 78", clock.wall())
        site = await t.sites.add("Solgården", clock.wall())
    processes = Processes(root / "log", clock, lambda: None)
    house = House(
        root, clock, processes, registry, clinic, site, free_port(), free_port(), free_port(), language, name=name
    )
    try:
        await processes.start(Program("region", [*_region(house), *serve], {}))
        await house.region_ready()
        yield house
    finally:
        for station in house.stations:
            await station.face.close()
        print(house.logs())  # shown where a test fails
        await processes.stop()
        await registry.close()
        shutil.rmtree(root, ignore_errors=True)


def _region(house: House) -> list[str]:
    command = [sys.executable, "-m", "region.cli", "serve", "--data", str(house.root / "region"), "--host", HOST]
    command += ["--public-url", house.url]
    for option, port in (("", house.web), ("enrol-", house.enrolment), ("broker-", house.broker)):
        command += [f"--{option}port", str(port)]
    return command


def _station(folder: Path, process: str) -> list[str]:
    return [sys.executable, "-m", "device.cli", "--config", str(folder / "station.toml"), process]


def _write_config(folder: Path, width: int, height: int, framing: bool, sim: dict[str, str | int]) -> None:
    """station.toml; a JSON string is a TOML string as well."""
    tables: dict[str, dict[str, Any]] = {
        "station": {
            "hardware": "sim", "state_dir": str(folder / "state"), "runtime_dir": str(folder / "run"),
            "code_file": str(folder / "card.toml"), "region_file": str(folder / "region.toml"),
        },
        "media": {"width": width, "height": height, "framing": framing},
        "screen": {"size": "800x500", "mirror": str(folder / "run" / "screen.jpg")},
        "sim": sim,
        "health": {"interval_s": 10},
    }  # fmt: skip
    lines = []
    for name, values in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    (folder / "station.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
