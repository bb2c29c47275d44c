"""The house's own rules that no other tool checks: what is where, who imports which library, how long a file may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("messaging", "device", "kiosk_ui", "provisioning", "region", "firmware_hooks")
LONGEST_FILE = 500

# A library of another maker is known to these places only; everything else asks a port.
ADAPTERS: dict[str, tuple[str, ...]] = {
    "paho": ("messaging/link/mqtt/",),
    "gpiozero": ("device/hardware/rpi/",),
    "lgpio": ("device/hardware/rpi/",),
    "picamera2": ("device/hardware/rpi/",),
    "libcamera": ("device/hardware/rpi/",),
    "cv2": ("device/hardware/linux/", "device/media/viewing/"),
    "soundcard": ("device/hardware/linux/",),
    "usb": ("device/hardware/linux/",),
    "livekit": ("device/media/acoustics/voice.py",),
    "aiortc": ("device/call/peer", "device/media/"),
    "aioice": ("device/call/peer", "device/media/"),
    "opuslib_next": ("device/media/libopus.py",),
    "av": ("device/media/", "device/hardware/sim/files.py", "device/hardware/linux/decoding.py"),
    "PySide6": ("kiosk_ui/screen/",),
    "segno": ("kiosk_ui/screen/qr.py",),
    "textual": ("kiosk_ui/console/",),
    "rich": ("kiosk_ui/console/",),
    "sqlalchemy": ("region/registry/",),
    "alembic": ("region/registry/",),
    "aiosqlite": ("region/registry/",),
    "argon2": ("region/web/",),
    "joserfc": ("region/web/oidc/id_token.py",),
    "fido2": ("region/web/passkeys.py",),
    "jinja2": ("region/web/",),
    "markupsafe": ("region/web/",),
    "fastapi": ("region/",),
    "pydantic": ("region/",),
    "starlette": ("region/", "kiosk_ui/panel/"),
    "uvicorn": ("region/", "kiosk_ui/panel/"),
    "cryptography": (
        "provisioning/",
        "region/",
        "device/agent/",
        "messaging/signed.py",
        "messaging/jws.py",
        "messaging/moment.py",
    ),
    "numpy": ("device/", "kiosk_ui/screen/"),
}
STANDARD_ONLY = ("messaging/", "firmware_hooks/", "tools/", "kiosk_ui/words/")
STANDARD_ONLY_BUT = ("messaging/link/mqtt/", "messaging/signed.py", "messaging/jws.py", "messaging/moment.py")
SLEEPS = re.compile(r"\b(time|asyncio)\.sleep\((?!0\))")  # giving the loop a turn is none of it
SLEEPING = {  # besides the benches, which live in real time; why each may
    "tests/kits/eventually.py": "looks again and again, for all",
    "tests/kits/station/agent.py": "its clock jumps, its sockets and threads do not",
    "tests/browser/test_call_lost.py": "how long the line is dead is the case itself",
    "tests/loopback/test_bench_relay.py": "somebody who speaks a hundred times a second",
    "tests/loopback/test_thin_line.py": "a browser, which asks for a key frame twice a second",
    "tests/process/house_stage.py": "a screen, which looks for pictures a hundred times a second",
    "tests/process/test_screen_process.py": "a camera, which gives thirty pictures a second",
    "tests/process/wrong_clock.py": "systemd, which starts the hook of the clock",
}
SAYS_WHAT_IT_IS = re.compile(r'(?:#[^\n]*\n|\s)*"""[^\s"]')  # by its first line of code
REGISTRY_HOSTS = re.compile(r"\b(pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.com|piwheels|deb\.debian\.org)\b")
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{40}|\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{30}"
    r"|\bvs_[a-z2-7]{8}_[a-z2-7]{48}"
)


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the project that git knows, and those about to be added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(ROOT / name for name in names if (ROOT / name).is_file())


def sources(*folders: str) -> list[Path]:
    """Python files below these folders."""
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


@cache
def imports(path: Path) -> frozenset[str]:
    """The top-level name of everything a file imports, wherever in it."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module.split(".")[0]


def inside(path: Path, places: tuple[str, ...]) -> bool:
    return str(path.relative_to(ROOT)).startswith(places)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_the_one_in_this_checkout(package: str) -> None:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin == str(ROOT / package / "__init__.py")


def test_only_the_six_packages_are_shipped() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = document["tool"]["setuptools"]["packages"]["find"]["include"]
    assert sorted(shipped) == sorted(f"{package}*" for package in PACKAGES)


def test_every_folder_of_code_is_a_package_and_systemd_is_none() -> None:
    folders = {path.parent for path in sources(*PACKAGES, "tests") if "versions" not in path.parts}
    missing = [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()]
    assert missing == []
    assert list((ROOT / "systemd").rglob("__init__.py")) == []


def test_test_folders_are_named_by_kind() -> None:
    folders = {path.relative_to(ROOT).parts[1] for path in sources("tests") if len(path.relative_to(ROOT).parts) > 2}
    kinds = {"unit", "site", "contract", "loopback", "process", "browser", "vm", "hardware", "architecture", "bench"}
    assert folders <= kinds | {"kits"}
    loose = {path.name for path in sources("tests") if path.parent == ROOT / "tests"}
    assert loose == {"__init__.py", "conftest.py"}, "what tests are made with has its room in tests/kits"


@pytest.mark.parametrize("library", sorted(ADAPTERS))
def test_a_library_of_another_maker_is_known_to_its_adapter_only(library: str) -> None:
    users = [path for path in sources(*PACKAGES) if library in imports(path)]
    strangers = [str(path.relative_to(ROOT)) for path in users if not inside(path, ADAPTERS[library])]
    assert strangers == []


def test_no_library_is_used_that_is_not_in_the_list() -> None:
    known = {*ADAPTERS, *PACKAGES, *sys.stdlib_module_names}
    strangers = {name for path in sources(*PACKAGES) for name in imports(path)} - known
    assert strangers == set(), "say in ADAPTERS who may use it, and in docs/decisions/0003-dependencies.md why"


def test_the_messages_the_hooks_the_words_and_the_tools_need_no_library() -> None:
    for path in sources("messaging", "firmware_hooks", "tools", "kiosk_ui"):
        if inside(path, STANDARD_ONLY) and not inside(path, STANDARD_ONLY_BUT):
            strangers = imports(path) - sys.stdlib_module_names - {"messaging", "firmware_hooks", "kiosk_ui"}
            assert strangers == set(), path


def test_the_messages_know_nothing_of_the_link_that_carries_them() -> None:
    for path in (ROOT / "messaging").glob("*.py"):
        assert "messaging.link" not in path.read_text(encoding="utf-8").replace("`messaging.link`", ""), path


def test_tests_wait_for_what_they_wait_for_and_sleep_through_nothing() -> None:
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sources("tests")}
    sleeping = {name for name, text in texts.items() if SLEEPS.search(text) and not name.startswith("tests/bench/")}
    assert sleeping == set(SLEEPING), "await what tells (an event, a pipe, a view), or see tests/kits/eventually.py"


def test_no_file_of_code_grows_out_of_hand() -> None:
    kinds = {".py", ".js", ".qml", ".html", ".css"}
    lengths = {path: path.read_bytes().count(b"\n") for path in tracked() if path.suffix in kinds}
    assert {str(path): count for path, count in lengths.items() if count > LONGEST_FILE} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources(*PACKAGES, "tests", "tools")
        if (text := path.read_text(encoding="utf-8")).strip() and not SAYS_WHAT_IT_IS.match(text)
    ]
    assert silent == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X{3})\b")
    marked = [
        str(path) for path in sources(*PACKAGES, "tests", "tools") if marks.search(path.read_text(encoding="utf-8"))
    ]
    assert marked == []


def test_no_registry_is_named_and_no_key_is_kept() -> None:
    for path in tracked():
        if path == Path(__file__) or path.stat().st_size > 2**20:
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        assert not REGISTRY_HOSTS.search(text), path
        assert not SECRETS.search(text), path


def test_every_error_tree_is_drawn_where_it_stands() -> None:
    for path in sources("messaging", "device", "provisioning", "region", "kiosk_ui", "firmware_hooks"):
        if path.name != "errors.py":
            continue
        names = [
            node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)
        ]
        drawn = (path.parent / "__init__.py").read_text(encoding="utf-8")
        assert [name for name in names if name not in drawn] == [], path


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("Mozilla Public License Version 2.0")
    assert 'Exhibit B - "Incompatible With Secondary Licenses" Notice' in text
