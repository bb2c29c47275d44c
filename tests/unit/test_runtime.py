"""What every station process stands on: its config, the way in from threads, and what systemd is told."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.runtime.bridge import Inlet, Newest
from device.runtime.config import StationConfig, load_config
from device.runtime.errors import ConfigError, StationError
from device.runtime.service import EXIT_FAULT, EXIT_OK, Watchdog, run_service, set_log_level
from messaging.sd_notify import notify, watchdog_interval


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATION_CONFIG", "STATION_HARDWARE", "STATION_LOG", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_is_a_station_on_a_pi(tmp_path: Path) -> None:
    assert load_config(write(tmp_path / "s.toml", "")) == StationConfig()


def test_the_environment_names_the_file_and_overrides_the_backend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATION_CONFIG", str(write(tmp_path / "s.toml", '[station]\nhardware = "linux"')))
    assert load_config().station.hardware == "linux"
    monkeypatch.setenv("STATION_HARDWARE", "sim")
    assert load_config().station.hardware == "sim"


@pytest.mark.parametrize(("text", "said"), [
    ("[station", "cannot be read"), ("[stations]\nx = 1", "no section \\[stations\\]"),
    ("[media]\nwidht = 1", "has no 'widht'; it has .*width"), ("[media]\nwidth = 5", "media.width: not between 160"),
    ('[station]\nhardware = 3', "station.hardware: expected a text"), ("media = 3", "expected an object"),
])  # fmt: skip
def test_a_config_that_is_wrong_says_where_and_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(write(tmp_path / "s.toml", text))


def test_a_config_that_is_not_there_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--config"):
        load_config(tmp_path / "none.toml")


async def test_threads_hand_over_in_order_and_too_much_is_counted() -> None:
    inlet: Inlet[int] = Inlet(asyncio.get_running_loop(), size=100)
    thread = threading.Thread(target=lambda: [inlet.put(i) for i in range(150)])
    thread.start()
    thread.join()
    assert [await inlet.get() for _ in range(100)] == list(range(100))
    assert inlet.overflowed == 50
    inlet.put(7)
    assert await asyncio.wait_for(inlet.get(), 10) == 7


async def test_a_waiting_loop_is_woken_by_a_thread() -> None:
    inlet: Inlet[str] = Inlet(asyncio.get_running_loop())
    waiting = asyncio.create_task(inlet.get())
    await asyncio.sleep(0)
    thread = threading.Thread(target=inlet.put, args=("pressed",))
    thread.start()
    assert await asyncio.wait_for(waiting, 10) == "pressed"
    thread.join()


def test_a_device_that_outlives_the_loop_is_told_so() -> None:
    loop = asyncio.new_event_loop()
    inlet: Inlet[int] = Inlet(loop)
    loop.close()
    assert not inlet.put(1)


def test_of_frames_the_newest_wins_and_a_close_lets_the_taker_go() -> None:
    newest: Newest[int] = Newest()
    newest.put(1)
    newest.put(2)
    assert (newest.take(), newest.replaced) == (2, 1)
    got: list[int | None] = []
    taker = threading.Thread(target=lambda: got.append(newest.take()))
    taker.start()
    newest.close()
    taker.join()
    assert got == [None]


def test_outside_systemd_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not notify("READY=1")
    assert watchdog_interval() is None
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    assert not notify("READY=1")


def test_the_watchdogs_interval_is_half_of_what_is_allowed_and_only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    assert watchdog_interval() == 5
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_interval() is None


async def test_the_watchdog_is_fed_on_progress_alone(systemd: socket.socket) -> None:
    watchdog = Watchdog()
    feeding = asyncio.create_task(watchdog.feed(0.001))
    watchdog.ready()
    assert systemd.recv(64) == b"READY=1"
    watchdog.progress()
    assert await asyncio.to_thread(systemd.recv, 64) == b"WATCHDOG=1"
    systemd.settimeout(0.05)  # fifty intervals without progress
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(systemd.recv, 64)
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)


def test_a_service_ends_in_order_when_told_to(systemd: socket.socket) -> None:
    ended = []

    async def work(watchdog: Watchdog) -> None:
        watchdog.ready()
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    assert run_service("test", work) == EXIT_OK
    assert ended == [True]
    assert (systemd.recv(64), systemd.recv(64)) == (b"READY=1", b"STOPPING=1")


def test_a_service_that_cannot_run_says_why_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    async def work(_watchdog: Watchdog) -> None:
        raise StationError("no camera of that name")

    with caplog.at_level(logging.ERROR):
        assert run_service("station-call", work) == EXIT_FAULT
    assert "station-call cannot run: no camera of that name" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.fixture
def levels() -> Iterator[None]:
    names = ("", "device", "messaging", "provisioning")
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("levels")
@pytest.mark.parametrize(
    ("level", "ours", "vendors"),
    [
        ("debug", logging.DEBUG, logging.INFO),
        ("info", logging.INFO, logging.INFO),
        ("warning", logging.WARNING, logging.WARNING),
        ("error", logging.ERROR, logging.ERROR),
    ],
)
def test_the_config_says_how_much_is_logged_and_debug_is_never_a_vendor_s(level: str, ours: int, vendors: int) -> None:
    set_log_level(level)
    assert logging.getLogger("device.agent.uplink").getEffectiveLevel() == ours
    assert logging.getLogger("aiortc.rtcrtpsender").getEffectiveLevel() == vendors


@pytest.mark.usefixtures("levels")
def test_a_hand_at_the_station_comes_before_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    set_log_level("warning")
    monkeypatch.setenv("STATION_LOG", "DEBUG")
    set_log_level("error")
    assert logging.getLogger("device").level == logging.WARNING
