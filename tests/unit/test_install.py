"""Where the files of systemd/ go: all of them, once, for everybody to read, and never an administrator's own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
UNITS = "usr/lib/systemd/system"
SANDBOX = f"{UNITS}/laegeknap-.service.d/50-sandbox.conf"


@pytest.fixture
def install() -> ModuleType:
    """tools/install.py, loaded as the script that it is."""
    spec = spec_from_file_location("install", ROOT / "tools" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(target: str, root: Path, umask: int = 0o022) -> str:
    """What `make` says that places the files below `root`."""
    done = subprocess.run(
        ["make", "--no-print-directory", target, f"DESTDIR={root}", f"PYTHON={sys.executable}"],
        cwd=ROOT, capture_output=True, text=True, check=False, umask=umask,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def below(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_station_s_image_gets_its_units_users_and_rules_where_debian_looks_for_them(tmp_path: Path) -> None:
    make("install-station", tmp_path)
    placed = set(below(tmp_path))
    assert {
        SANDBOX, f"{UNITS}/laegeknap.target", f"{UNITS}/laegeknap-code.service.d/60-give-away.conf",
        "usr/lib/sysusers.d/laegeknap.conf", "usr/lib/tmpfiles.d/laegeknap.conf",
        "usr/lib/udev/rules.d/70-laegeknap.rules", "usr/share/polkit-1/rules.d/50-laegeknap.rules",
        "usr/share/polkit-1/rules.d/60-laegeknap-network.rules",
        "usr/share/pipewire/pipewire-pulse.conf.d/laegeknap.conf",
    } <= placed  # fmt: skip
    assert not [path for path in placed if path.startswith("usr/lib") and ("region" in path or "authority" in path)]


def test_a_region_s_server_gets_nothing_of_a_station_s(tmp_path: Path) -> None:
    make("install-region", tmp_path)
    placed = {Path(path).parent for path in below(tmp_path)}
    assert {str(folder) for folder in placed if "doc" not in folder.parts} == {
        UNITS, f"{UNITS}/laegeknap-.service.d", "usr/lib/sysusers.d", "usr/lib/tmpfiles.d",
    }  # fmt: skip
    assert f"{UNITS}/laegeknap-authority.service" in below(tmp_path)
    assert not list(tmp_path.rglob("*agent*")) + list(tmp_path.rglob("*.target"))


def test_make_help_names_both(tmp_path: Path) -> None:
    told = make("help", tmp_path)
    assert "make install-station" in told
    assert "make install-region" in told


def test_no_file_of_systemd_is_left_out(install: ModuleType) -> None:
    sources = {source for role in install.ROLES for source in install.placed(role).values()}
    assert sources == {path for name in ("systemd", "docs") for path in (ROOT / name).rglob("*") if path.is_file()}


@pytest.mark.parametrize("role", ["station", "region"])
def test_every_page_that_a_unit_names_is_placed_with_it(install: ModuleType, role: str) -> None:
    placed = install.placed(role)
    units = [source.read_text() for place, source in placed.items() if place.suffix in (".service", ".path", ".target")]
    pages = [
        line.removeprefix("Documentation=file:///") for text in units for line in text.splitlines() if "Doc" in line
    ]
    assert len(pages) >= len(units) > 2
    assert {Path(page) for page in pages} <= set(placed)


def test_done_again_it_changes_nothing_and_a_new_version_replaces_what_has_changed(tmp_path: Path) -> None:
    make("install-region", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert ", 0 of them new or changed" in make("install-region", tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    (tmp_path / SANDBOX).write_text("of an older version")
    assert ", 1 of them new or changed" in make("install-region", tmp_path)
    assert "NoNewPrivileges" in (tmp_path / SANDBOX).read_text()


def test_what_the_administrator_has_written_stays(tmp_path: Path) -> None:
    own = tmp_path / "etc/systemd/system/laegeknap-region.service.d/override.conf"
    own.parent.mkdir(parents=True)
    own.write_text("[Service]\n")
    make("install-region", tmp_path)
    assert own.read_text() == "[Service]\n"
    assert [path for path in below(tmp_path) if path.startswith("etc")] == [str(own.relative_to(tmp_path))]


def test_everybody_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    make("install-station", tmp_path, umask=0o077)
    paths = list((tmp_path / "usr").rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_dir()} == {0o755}


def test_where_it_may_not_write_it_says_so_and_what_to_do(
    install: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "usr").write_text("no folder")
    assert install.main(["station", "--destdir", str(tmp_path)]) == 1
    assert "sudo, or DESTDIR=" in capsys.readouterr().err


def test_without_a_destination_it_is_this_machine_and_what_comes_next_is_said(
    install: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(install, "place_file", lambda source, place: written.append(os.fspath(place)) or True)
    assert install.main(["region"]) == 0
    assert f"/{SANDBOX}" in written
    assert "systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload" in capsys.readouterr().out


def test_a_role_there_is_not_is_a_wrong_call(install: ModuleType) -> None:
    with pytest.raises(SystemExit) as ended:
        install.main(["clinic"])
    assert ended.value.code == 2
