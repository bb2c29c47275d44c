"""A machine of its own under a real systemd, with the project installed as a package would: for tests of `systemd/`.

    with running_machine({"etc/laegeknap/station.toml": "..."}, ["laegeknap.target"]) as machine:
        machine.run("systemctl", "is-active", "laegeknap-call")

No virtual machine: systemd is process 1 of fresh namespaces, on an overlay in memory of this host's root (boot.sh).
Needs root with all its rights; `why_not()` says what is missing. All of it ends with the `with`, or with us.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil  # type: ignore[import-untyped]

from tests.kits.eventually import eventually, soon

T = TypeVar("T")
PROJECT = Path(__file__).parents[2]
INSTALLED = ("messaging", "device", "kiosk_ui", "provisioning", "region", "firmware_hooks", "systemd", "tools", "docs")
READ_BY_THE_BUILD = ("pyproject.toml", "README.md", "LICENSE")
_SCRIPT = Path(__file__).with_name("boot.sh")
_BOOT_WITHIN_S = 60.0
_COMMAND_WITHIN_S = 60.0


def why_not() -> str:
    """Why no machine can run here, or "" if one can: it is tried, without a machine in it."""
    if sys.platform != "linux" or not Path("/usr/lib/systemd/systemd").exists():
        return "there is no systemd here (Debian package systemd)"
    if os.geteuid() != 0:
        return "a machine in namespaces needs root"
    with _work_folder() as work:
        done = subprocess.run(_command("probe", work), capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"this root may not make namespaces and mounts: {done.stderr.strip()}"


@dataclass
class Unit:
    """A service, as systemd sees it now."""

    active: str
    pid: int
    restarts: int
    result: str
    status: int


@dataclass
class Machine:
    """The running machine; `pid` is its systemd, as this host counts."""

    pid: int

    def run(
        self, *command: str, user: str = "", ok: bool = True, within_s: float = _COMMAND_WITHIN_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root or `user`. AssertionError with what it said if it fails, unless not `ok`."""
        spaces = ["nsenter", f"--target={self.pid}", "-m", "-u", "-i", "-n", "-p", "-C"]
        plain = ["env", "-i", "PATH=/opt/laegeknap/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
        become = ["runuser", "-u", user, "--"] if user else []
        done = subprocess.run(
            [*spaces, *plain, *become, *command], capture_output=True, text=True, timeout=within_s, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if ok:
            assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *command: str, user: str = "", ok: bool = True) -> Any:
        """What a command prints, as JSON; None if it prints nothing."""
        text = self.run(*command, user=user, ok=ok).stdout
        return json.loads(text) if text.strip() else None

    def inside(self, unit: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as root within a service's view of the files: what is refused there, the sandbox refuses."""
        pid = str(self.unit(unit).pid)
        return self.run("nsenter", "--target", pid, "--mount", "--net", "--", *command, ok=False)

    def once(self, unit: str, *command: str) -> Unit:
        """How a command ends that runs in place of a service's own, once, as its user and in its sandbox."""
        own = ("Type=", "WatchdogSec=", "Restart=", "ExecStart=")
        lines = self.run("cat", f"/usr/lib/systemd/system/{unit}").stdout.splitlines()
        text = "\n".join(line for line in lines if not line.startswith(own))
        name = "laegeknap-once.service"  # laegeknap-: so that the sandbox of all is its own too
        self.write(f"/run/systemd/system/{name}", f"{text}\n[Service]\nType=oneshot\nExecStart={' '.join(command)}\n")
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "start", name, ok=False)
        return self.unit(name)

    def path(self, path: str) -> Path:
        """A file of the machine, as this host can open it."""
        return Path(f"/proc/{self.pid}/root") / path.lstrip("/")

    def write(self, path: str, text: str) -> None:
        """A new file in the machine, which everybody there can read."""
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text, encoding="utf-8")
        self.path(path).chmod(0o644)

    def unit(self, name: str) -> Unit:
        """How a service is."""
        text = self.run("systemctl", "show", name).stdout
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return Unit(
            values["ActiveState"], int(values["MainPID"]), int(values["NRestarts"]), values["Result"],
            int(values["ExecMainStatus"]),
        )  # fmt: skip

    def status_of(self, pid: int) -> dict[str, str]:
        """What the kernel tells of a process (proc(5), /proc/pid/status)."""
        rows = self.run("cat", f"/proc/{pid}/status").stdout.splitlines()
        return {name: value.strip() for name, _, value in (row.partition(":") for row in rows)}

    def kill(self, unit: str, number: signal.Signals, name: str = "") -> None:
        """A signal to a service's main process, or to the one below it that `name` names, and to no other."""
        main = self.unit(unit).pid
        pids = self.run("pgrep", "--parent", str(main), "--full", name).stdout.split() if name else [str(main)]
        self.run("kill", f"-{number.name.removeprefix('SIG')}", *pids)

    def journal(self, *options: str) -> str:
        """The machine's journal, without the host's name."""
        return self.run("journalctl", "--no-pager", "--output=short-monotonic", "--no-hostname", *options).stdout


async def until(look: Callable[[], T | None], what: str, within_s: float = 30.0, *, why: Callable[[], str] = str) -> T:
    """The first thing `look` gives that is not None or False: systemd itself is not ours to be told by."""
    return await eventually(look, within_s, every_s=0.1, why=lambda: f"{what} {why()}")


async def all_active(machine: Machine, units: Collection[str]) -> None:
    """Every one of them has said that it is ready."""

    def waiting() -> list[str]:
        return [unit for unit in units if machine.unit(unit).active != "active"]

    def why() -> str:
        logs = (machine.journal("--lines=40", f"--unit={unit}") for unit in waiting())
        return "\n".join(("", *(f"{unit}: {machine.unit(unit)}" for unit in units), *logs))

    await until(lambda: not waiting(), "all are active", why=why)


async def all_new(machine: Machine, before: Mapping[str, Unit], within_s: float) -> None:
    """Each service has another main process than `before`."""

    def fresh() -> bool:
        now = {unit: machine.unit(unit).pid for unit in before}
        return all(pid not in (0, before[unit].pid) for unit, pid in now.items())

    await until(fresh, f"all have been started again; before: {before}", within_s)


@contextlib.contextmanager
def running_machine(files: Mapping[str, str], units: Sequence[str]) -> Iterator[Machine]:
    """A machine that has booted, with the project and `files` (path to text) installed, and `units` enabled."""
    with _work_folder() as work:
        before = os.umask(0o022)  # whatever is ours: with 077 nobody but root could enter the machine's root
        try:
            host = _start(work, files, units)
        finally:
            os.umask(before)
        try:
            yield _booted(host, work / "log")
        finally:
            _end(host)


def _start(work: Path, files: Mapping[str, str], units: Sequence[str]) -> subprocess.Popen[bytes]:
    source = work / "source"
    _copy_project(source)
    for path, text in files.items():
        (source / "files" / path).parent.mkdir(parents=True, exist_ok=True)
        (source / "files" / path).write_text(text, encoding="utf-8")
    python = Path(sys.base_prefix)
    command = _command("enter", work, python, f"python3.{sys.version_info[1]}", Path(sys.prefix), source, *units)
    with (work / "log").open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _command(part: str, *arguments: object) -> list[str]:
    """boot.sh in mounts of its own; killed with us, should we be killed."""
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "-m", "sh", "-eu", str(_SCRIPT), part, *map(str, arguments)]


@contextlib.contextmanager
def _work_folder() -> Iterator[Path]:
    """Where the machine's mounts hang; only in the script's own namespace, so here it stays nearly empty."""
    work = Path(tempfile.mkdtemp(prefix="laegeknap-vm-"))
    try:
        yield work
    finally:
        shutil.rmtree(work)


def _copy_project(source: Path) -> None:
    source.mkdir()
    for folder in INSTALLED:
        shutil.copytree(PROJECT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in READ_BY_THE_BUILD:
        shutil.copy(PROJECT / file, source)


def _booted(host: subprocess.Popen[bytes], log: Path) -> Machine:
    def told() -> str:
        return f"the machine does not boot:\n{log.read_text(encoding='utf-8', errors='replace')}"

    def booted() -> Machine | None:
        assert host.poll() is None, told()
        pid = _systemd_below(host)
        if pid is None:
            return None
        machine = Machine(pid)
        up = machine.run("systemctl", "is-active", "basic.target", ok=False).stdout.strip() == "active"
        return machine if up else None

    return soon(booted, _BOOT_WITHIN_S, every_s=0.1, why=told)


def _systemd_below(host: subprocess.Popen[bytes]) -> int | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(host.pid).children(recursive=True):
            if process.name() == "systemd" and process.ppid() != host.pid:
                return int(process.pid)
    return None


def _end(host: subprocess.Popen[bytes]) -> None:
    """Kill process 1, and the kernel ends the rest; the script then sweeps up and ends by itself."""
    pid = _systemd_below(host)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    try:
        host.wait(timeout=20)
    except subprocess.TimeoutExpired:
        host.kill()
        host.wait()
