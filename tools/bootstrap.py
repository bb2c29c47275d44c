#!/usr/bin/env python3
"""Make this checkout able to run: Debian packages, a virtual environment, the locked dependencies, the project itself.

    tools/bootstrap.py demo|check|test      what `make` is about to do with it

Standard library only, and readable by Pythons too old for the project, so that those get told. Nothing is done twice:
a stamp in the environment remembers the locks it was made from. Exit codes: 0 ready; 2 something is missing that only
the person can give, and the last lines say what; other: the code of the tool that failed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements"
OLDEST, NEWEST = (3, 11), (3, 13)
MISSING = 2

# One entry is one need; its names are tried in order, for a name that differs between releases.
RUN = (
    "mosquitto", "openssl", "xvfb", "xauth",
    "libgl1", "libgl1-mesa-dri", "libegl1", "libopengl0", "libglib2.0-0t64|libglib2.0-0",
    "libxcb-cursor0", "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-randr0", "libxcb-render-util0",
    "libxcb-shape0", "libxcb-xkb1", "libxkbcommon-x11-0", "libpulse0", "libdbus-1-3", "libfontconfig1",
    "fonts-noto-core", "fonts-dejavu-core", "libopus0", "libusb-1.0-0", "tzdata", "espeak-ng",
)  # fmt: skip
SERVERS = (
    "coturn", "nodejs", "npm", "dbus-daemon|dbus", "pipewire", "wireplumber", "pipewire-pulse", "pulseaudio-utils",
    "systemd", "procps", "iproute2", "cage", "xwayland", "seatd", "postgresql",
    "libfaketime", "network-manager", "polkitd|policykit-1",
)  # fmt: skip
BROWSERS = ("chromium", "firefox-esr")
# Node is often installed from elsewhere, brings its own npm, and then conflicts with Debian's.
COMMANDS = {"nodejs": "node", "npm": "npm"}
PACKAGES = {"demo": RUN, "check": RUN, "test": RUN + SERVERS + BROWSERS}
LOCKS = {
    "demo": ("station.lock", "region.lock"),
    "check": ("dev.lock",),
    "test": ("dev.lock",),
}
NODE_DIR = ROOT / "tests" / "browser"


class Stop(Exception):
    """The person has to do something; the text says what."""


def main(arguments: list[str]) -> int:
    """Prepare for the named purpose and return an exit code."""
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        print(__doc__, file=sys.stderr)
        return MISSING
    purpose = arguments[0]
    try:
        check_python(sys.version_info[:2])
        with one_at_a_time(ROOT / "build"):
            install_packages(purpose)
            install_python(purpose)
            if purpose == "test":
                install_node()
    except Stop as stop:
        print(f"\n{stop}", file=sys.stderr)
        return MISSING
    except subprocess.CalledProcessError as error:
        print(f"\n{shlex.join(map(str, error.cmd))}\nfailed with exit code {error.returncode}.", file=sys.stderr)
        return error.returncode if error.returncode > 0 else 1
    return 0


def check_python(version: tuple[int, ...]) -> None:
    """Stop unless this Python is one the project runs on."""
    if OLDEST <= version <= NEWEST:
        return
    names = (f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1))
    other = next(filter(shutil.which, names), None)
    advice = f"This machine has one: make PYTHON={other}" if other else "Install one, then: make PYTHON=python3.11"
    raise Stop(f"Lægeknap runs on Python 3.11 to 3.13; {sys.executable} is {version[0]}.{version[1]}. {advice}")


class one_at_a_time:  # noqa: N801 - reads as the statement it is used in
    """Hold the checkout's lock, so that two `make` do not install into one environment at once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._path = folder / ".bootstrap.lock"

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


# Debian packages -----------------------------------------------------------------------------------------------------


def install_packages(purpose: str) -> None:
    """Install the Debian packages that are missing, or stop with the exact command."""
    if not shutil.which("dpkg-query") or not shutil.which("apt-get"):
        needed = " ".join(name.split("|")[-1] for name in PACKAGES[purpose])
        raise Stop(f"This is no Debian, Raspberry Pi OS or Ubuntu, so these cannot be installed from here:\n  {needed}")
    venv = venv_package()
    needs = PACKAGES[purpose] + ((venv,) if venv else ())
    if is_ubuntu():
        needs = tuple(need for need in needs if need not in BROWSERS)
    present = installed_packages(needs)
    missing = [need for need in needs if not present.intersection(need.split("|")) and not has_command(need)]
    if missing:
        apt_install(missing)
    if purpose == "test" and is_ubuntu():
        check_snap_browsers()


def installed_packages(needs: tuple[str, ...]) -> set[str]:
    """Which of the named packages dpkg has installed."""
    names = [name for need in needs for name in need.split("|")]
    command = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names]
    # It exits with 1 as soon as one name is unknown, and still lists the others.
    rows = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return {row.split()[0] for row in rows.splitlines() if row.endswith(" installed")}


def has_command(need: str) -> bool:
    """Whether what the package would bring is there already, wherever it came from."""
    return need in COMMANDS and shutil.which(COMMANDS[need]) is not None


def apt_install(needs: list[str]) -> None:
    """Install with root's rights if there are any to be had, else stop and say the command."""
    prefix = root_prefix()
    if prefix is None:
        command = f"apt-get install --no-install-recommends {' '.join(available_names(needs))}"
        raise Stop(
            "Some Debian packages are missing, and installing them needs root. Run this, then the same make again:\n\n"
            f"  sudo apt-get update && sudo {command}"
        )
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    say("Reading the package lists")
    run([*apt, "update"], quiet=True)
    names = available_names(needs)
    say(f"Installing Debian packages: {' '.join(names)}")
    run([*apt, "install", "-y", "--no-install-recommends", *names], quiet=True)


def available_names(needs: list[str]) -> list[str]:
    """For each need the first of its names that this release has, else its last (of which apt will then complain)."""
    choices = [need.split("|") for need in needs]
    return [next(filter(has_candidate, names[:-1]), names[-1]) for names in choices]


def has_candidate(name: str) -> bool:
    """Whether apt could install a package of exactly this name."""
    environment = {**os.environ, "LC_ALL": "C"}
    policy = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True, check=False, env=environment)
    return "Candidate:" in policy.stdout and "Candidate: (none)" not in policy.stdout


def root_prefix() -> list[str] | None:
    """What to put before a command to run it as root; None when that would need a password."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    return [sudo, "-n"] if sudo and works(Path(sudo), "-n", "true") else None


def venv_package() -> str:
    """The package that lets this Python make environments, or "" when it can already."""
    bundled = Path(sysconfig.get_path("stdlib")) / "ensurepip" / "_bundled"
    if (VENV / "bin" / "python").exists() or bundled.is_dir():
        return ""
    default = Path("/usr/bin/python3").resolve().name
    mine = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return "python3-venv" if default == mine else f"{mine}-venv"


def is_ubuntu() -> bool:
    """Whether browsers come as snaps here, and not as packages."""
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return "ID=ubuntu" in release.splitlines()


def check_snap_browsers() -> None:
    """Stop and say how, when Ubuntu's browsers are missing."""
    pairs = (("chromium", ("chromium", "chromium-browser")), ("firefox", ("firefox-esr", "firefox")))
    missing = [snap for snap, commands in pairs if not any(map(shutil.which, commands))]
    if missing:
        commands = " && ".join(f"sudo snap install {snap}" for snap in missing)
        names = " and ".join(missing)
        raise Stop(f"The browser tests need {names}, which Ubuntu ships as snaps only. Run:\n\n  {commands}")


# Python --------------------------------------------------------------------------------------------------------------


def install_python(purpose: str) -> None:
    """Bring the virtual environment to what the locks say; a stamp makes the second time cheap."""
    locks = LOCKS[purpose]
    # What the tests need holds all that the demo needs.
    if made_from(locks) or made_from(LOCKS["test"]):
        return
    if not works(VENV / "bin" / "python", "-m", "pip", "--version"):
        say("Making the virtual environment .venv")
        run([sys.executable, "-m", "venv", "--clear", VENV])
    say("Installing the locked dependencies (the first time takes some minutes)")
    pip = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    run([*pip, "--require-hashes", *(part for lock in locks for part in ("-r", REQUIREMENTS / lock))])
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT])
    stamp(locks).write_text(fingerprint(locks), encoding="ascii")


def made_from(locks: tuple[str, ...]) -> bool:
    """Whether the environment is there, runs, and was made from exactly these locks."""
    path, command = stamp(locks), VENV / "bin" / "station"
    made = path.exists() and command.exists() and path.read_text(encoding="ascii") == fingerprint(locks)
    return made and works(VENV / "bin" / "python", "-c", "")


def stamp(locks: tuple[str, ...]) -> Path:
    """The file that remembers the locks, inside the environment so that it goes with it."""
    return VENV / f".made-from-{'+'.join(locks)}"


def fingerprint(locks: tuple[str, ...]) -> str:
    """What an environment made from these locks must remember."""
    digest = hashlib.sha256()
    for path in (*(REQUIREMENTS / lock for lock in locks), ROOT / "pyproject.toml"):
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def install_node() -> None:
    """Install the browser tests' drivers from npm, by their lock, when it has changed."""
    lock, mark = NODE_DIR / "package-lock.json", NODE_DIR / "node_modules" / ".made-from"
    expected = hashlib.sha256(lock.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text(encoding="ascii") == expected:
        return
    say("Installing the browser tests' drivers")
    run(["npm", "ci", "--prefix", NODE_DIR, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])
    mark.write_text(expected, encoding="ascii")


# Commands ------------------------------------------------------------------------------------------------------------


def works(program: Path, *arguments: str) -> bool:
    """Whether a program is there and runs."""
    return program.exists() and subprocess.run([program, *arguments], capture_output=True, check=False).returncode == 0


def run(command: Sequence[object], quiet: bool = False) -> None:
    """Run to the end; when quiet, show its output only if it fails."""
    words = [str(word) for word in command]
    if not quiet:
        subprocess.run(words, check=True)
        return
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        sys.stderr.buffer.write(done.stdout)
        raise subprocess.CalledProcessError(done.returncode, words)


def say(text: str) -> None:
    """Tell what is being done, at once."""
    print(f"» {text} ...", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
