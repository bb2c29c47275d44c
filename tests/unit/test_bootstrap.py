"""How a checkout is brought up: what it asks of the machine, and what it says when it cannot go on."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bootstrap() -> ModuleType:
    """tools/bootstrap.py, loaded as the script that it is."""
    spec = spec_from_file_location("bootstrap", ROOT / "tools" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_the_pythons_of_debian_12_and_13_will_do(bootstrap: ModuleType, version: tuple[int, int]) -> None:
    bootstrap.check_python(version)


@pytest.mark.parametrize("version", [(3, 9), (3, 10), (3, 14)])
def test_another_python_is_told_which_ones_will_do(
    bootstrap: ModuleType, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: "/usr/bin/x" if name == "python3.12" else None)
    with pytest.raises(bootstrap.Stop, match=r"3\.11 to 3\.13.*make PYTHON=python3\.12"):
        bootstrap.check_python(version)


def test_without_the_right_to_install_it_prints_the_exact_command_and_stops_with_2(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "installed_packages", lambda needs: set(bootstrap.RUN) - {"mosquitto", "xvfb"})
    monkeypatch.setattr(bootstrap, "has_candidate", lambda name: True)
    monkeypatch.setattr(bootstrap, "root_prefix", lambda: None)
    monkeypatch.setattr(bootstrap, "is_ubuntu", lambda: False)
    monkeypatch.setattr(bootstrap, "install_python", lambda purpose: pytest.fail("went on without its packages"))
    assert bootstrap.main(["demo"]) == 2
    said = capsys.readouterr().err
    assert "sudo apt-get update && sudo apt-get install --no-install-recommends mosquitto xvfb" in said


def test_a_name_that_differs_between_releases_is_looked_up(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "has_candidate", lambda name: name.endswith("t64"))
    assert bootstrap.available_names(["libglib2.0-0t64|libglib2.0-0", "xvfb"]) == ["libglib2.0-0t64", "xvfb"]
    monkeypatch.setattr(bootstrap, "has_candidate", lambda name: False)
    assert bootstrap.available_names(["libglib2.0-0t64|libglib2.0-0"]) == ["libglib2.0-0"]


def test_either_name_of_an_installed_package_counts(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    present = {name.split("|")[-1] for name in bootstrap.RUN}
    monkeypatch.setattr(bootstrap, "installed_packages", lambda needs: present)
    monkeypatch.setattr(bootstrap, "is_ubuntu", lambda: False)
    monkeypatch.setattr(bootstrap, "apt_install", lambda needs: pytest.fail(f"would install {needs}"))
    bootstrap.install_packages("demo")


@pytest.mark.parametrize("node", ["/usr/local/bin/node", None])
def test_node_from_elsewhere_will_do(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, node: str | None) -> None:
    wanted: list[str] = []
    monkeypatch.setattr(
        bootstrap, "installed_packages", lambda needs: set("|".join(needs).split("|")) - {"nodejs", "npm"}
    )
    monkeypatch.setattr(bootstrap, "is_ubuntu", lambda: False)
    monkeypatch.setattr(bootstrap, "apt_install", wanted.extend)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: node if name in ("node", "npm") else f"/usr/bin/{name}")
    bootstrap.install_packages("test")
    assert wanted == ([] if node else ["nodejs", "npm"])


def test_on_ubuntu_browsers_are_asked_for_as_snaps(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "installed_packages", lambda needs: {name.split("|")[0] for name in needs})
    monkeypatch.setattr(bootstrap, "is_ubuntu", lambda: True)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None if "fire" in name else f"/usr/bin/{name}")
    bootstrap.install_packages("demo")
    with pytest.raises(bootstrap.Stop, match="sudo snap install firefox"):
        bootstrap.install_packages("test")


def test_a_machine_without_apt_is_told_what_is_needed(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    with pytest.raises(bootstrap.Stop, match="mosquitto"):
        bootstrap.install_packages("demo")


def test_a_demo_needs_neither_browser_nor_compiler(bootstrap: ModuleType) -> None:
    assert not set(bootstrap.PACKAGES["demo"]) & {*bootstrap.BROWSERS, *bootstrap.SERVERS}
    assert "dev.lock" not in bootstrap.LOCKS["demo"]
    assert set(bootstrap.PACKAGES["demo"]) <= set(bootstrap.PACKAGES["test"])


@pytest.fixture
def checkout(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with locks and an environment that runs, and commands that are only written down."""
    (tmp_path / "requirements").mkdir()
    for name in ("station.lock", "region.lock", "dev.lock"):
        (tmp_path / "requirements" / name).write_text(name)
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name, target in (("VENV", tmp_path / ".venv"), ("ROOT", tmp_path), ("REQUIREMENTS", tmp_path / "requirements")):
        monkeypatch.setattr(bootstrap, name, target)
    monkeypatch.setattr(bootstrap, "works", lambda program, *arguments: True)
    return tmp_path


def record(bootstrap: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    ran: list[str] = []

    def run(command: list[object], quiet: bool = False) -> None:
        ran.append(" ".join(map(str, command)))
        (checkout / ".venv" / "bin" / "station").touch()

    monkeypatch.setattr(bootstrap, "run", run)
    return ran


def test_everything_is_installed_by_its_hash_and_the_second_time_nothing_is(
    bootstrap: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = record(bootstrap, checkout, monkeypatch)
    bootstrap.install_python("demo")
    assert "--require-hashes" in ran[0]
    assert ran[0].endswith(f"-r {checkout}/requirements/station.lock -r {checkout}/requirements/region.lock")
    assert "--no-deps --no-build-isolation" in ran[1]
    assert len(ran) == 2
    bootstrap.install_python("demo")
    assert len(ran) == 2


def test_a_changed_lock_is_noticed(bootstrap: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = record(bootstrap, checkout, monkeypatch)
    bootstrap.install_python("test")
    (checkout / "requirements" / "dev.lock").write_text("newer")
    bootstrap.install_python("test")
    assert len(ran) == 4


def test_who_can_test_can_demonstrate(bootstrap: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = record(bootstrap, checkout, monkeypatch)
    bootstrap.install_python("test")
    bootstrap.install_python("demo")
    assert len(ran) == 2


def test_an_installation_that_failed_is_not_taken_for_done(
    bootstrap: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(command: list[object], quiet: bool = False) -> None:
        raise subprocess.CalledProcessError(7, [str(word) for word in command])

    monkeypatch.setattr(bootstrap, "run", fails)
    with pytest.raises(subprocess.CalledProcessError):
        bootstrap.install_python("demo")
    assert not bootstrap.made_from(bootstrap.LOCKS["demo"])


def test_a_wrong_call_says_how_it_is_called() -> None:
    command = [sys.executable, str(ROOT / "tools" / "bootstrap.py"), "everything"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "demo|check|test" in done.stderr


@pytest.mark.parametrize(
    "target", ["demo", "test", "check", "bench-call", "soak", "lint", "format", "lock", "clean", "help"]
)
def test_make_has_and_explains_every_target(target: str) -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"make {target} " in done.stdout


def test_the_options_of_the_demo_reach_it() -> None:
    command = ["make", "-n", "demo", "LANG_UI=da", "DEMO_JSON=/tmp/a b.json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "env LANG_UI='da' DEMO_JSON='/tmp/a b.json' .venv/bin/region demo" in done.stdout
