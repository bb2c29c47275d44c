"""Promise 3 of docs/safety: telemetry carries no name, civil registration number, PIN, URL, picture or sound.

Such things are put wherever the agent could pick something up, and nothing of them may come out.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from device.agent.neighbours import Neighbours
from device.call.samples import Second
from device.call.statistics import CallStatistics
from device.health.processes import Happened
from device.health.report import Known, report
from messaging.call import Devices, DeviceState
from messaging.codec import encode
from messaging.envelope import Sealer
from messaging.health import Echo, Event, Health, ProcessState, SoundTest
from messaging.local import CallView
from messaging.quality import CallQuality
from tests.kits.clock import ManualClock

SECRETS = (
    "Karen Jensen", "Jensen", "010190-1234", "0101901234", "PIN 4711", "4711", "https://vdx.example/room?pin=4711",
    "vdx.example", "Stue 12, Solgården", "data:image/jpeg;base64,/9j/4AAQ", "UklGRiQAAABXQVZF",
)  # fmt: skip
EVERYWHERE = (
    "proc/meminfo", "proc/uptime", "proc/net/route", "proc/net/ipv6_route", "proc/net/wireless", "etc/os-release",
    "proc/sys/kernel/osrelease", "sys/class/thermal/thermal_zone0/type", "sys/class/thermal/thermal_zone0/temp",
    "etc/hostname", "proc/sys/kernel/hostname",
)  # fmt: skip

KERNEL_NUMBERS = ("proc/meminfo", "proc/uptime", "sys/class/thermal/thermal_zone0/temp")


def _poison(root: Path, secret: str) -> None:
    fields = {
        "proc/meminfo": f"MemTotal: {secret} kB\nMemAvailable:    {secret}\n",
        "proc/uptime": f"{secret} {secret}",
        "proc/net/route": f"Iface\n{secret}\t00000000\t0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        "proc/net/wireless": f" {secret}: {secret} {secret} {secret}\n",
        "etc/os-release": f'ID={secret}\nVERSION_ID="{secret}"\nPRETTY_NAME={secret}\n',
    }
    for path in EVERYWHERE:
        if path in KERNEL_NUMBERS and secret.isdigit():
            continue  # a number where the kernel counts is the kernel's
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(fields.get(path, secret))


def _call_view(secret: str) -> CallView:
    devices = Devices("ok", "missing", "fault")
    return CallView(
        "in_call",
        boot=secret,
        since=1.0,
        light="live",
        devices=devices,
        call=secret,
        peer_name=secret,
        peer_role=secret,
    )


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_of_a_person_leaves_with_health_or_events(tmp_path: Path, secret: str) -> None:
    root = tmp_path / "root"
    _poison(root, secret)
    told: list[Happened] = []
    neighbours = Neighbours(ManualClock(), told.append)
    neighbours.on_call(_call_view("run 1"))
    neighbours.on_call(_call_view(secret))
    neighbours.on_call_gone()
    neighbours.on_call(_call_view(secret + "again"))
    known = Known("floor", neighbours.devices, neighbours.states, 0, 0, 0)
    health = report(known, tmp_path, 5.0, root)
    sealer = Sealer(lambda: 1.0, lambda: 2.0, boot="b")
    sent = [sealer.seal(health), *(sealer.seal(Event(one.process)) for one in told)]
    assert len(sent) == 4
    for payload in sent:
        data = json.dumps(json.loads(payload)["data"], ensure_ascii=False)
        assert secret not in data
        assert secret.replace(" ", "") not in data


@pytest.mark.parametrize("secret", SECRETS)
def test_a_version_is_digits_or_nothing(tmp_path: Path, secret: str) -> None:
    _poison(tmp_path, secret)
    found = report(Known("floor", None, {}, 0, 0, 0), tmp_path, 5.0, tmp_path).versions
    assert set(found) <= {"laegeknap", "python", "kernel", "system"}
    assert "system" not in found
    assert "kernel" not in found


def test_every_field_of_the_report_is_a_number_or_one_of_a_few_words() -> None:
    words: dict[str, Any] = {
        "clock": {"unset", "floor", "ntp"},
        "link": {"ethernet", "wifi", "other", "none"},
        "echo": set(get_args(Echo)),
    }
    for field in dataclasses.fields(Health):
        if field.name in ("devices", "processes", "versions", "sound_test"):
            continue
        assert field.name in words or any(kind in str(field.type) for kind in ("int", "float", "bool")), field.name
    for field in dataclasses.fields(SoundTest):
        kinds = ("int", "float", "bool", "DeviceState", "Echo", "UnixTime")
        assert any(kind in str(field.type) for kind in kinds), field.name
    assert set(get_args(Echo)) == {"station", "device", "loading", "failed"}
    assert set(get_args(DeviceState)) == {"ok", "missing", "fault"}
    assert set(get_args(ProcessState)) == {"running", "restarting", "stopped"}


def _fields(kind: type) -> dict[str, Any]:
    """Every field of a message and of those in it, by name, without `Annotated` and `None`."""
    found: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        arms = [
            arm
            for arm in (get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,))
            if arm is not type(None)
        ]
        for arm in arms:
            found |= _fields(arm) if dataclasses.is_dataclass(arm) else {f"{kind.__name__}.{name}": arm}
    return found


def test_what_a_call_was_like_is_numbers_a_few_words_and_the_calls_id() -> None:
    fields = _fields(CallQuality)
    assert fields.pop("CallQuality.call") is str
    words = {word for kind in fields.values() if get_origin(kind) is Literal for word in get_args(kind)}
    assert all(kind in (int, float) or get_origin(kind) is Literal for kind in fields.values())
    assert words == {
        "good", "fair", "poor", "direct", "relay", "H264", "VP8", "x264", "h264_v4l2m2m", "picamera2", "other",
    }  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_of_a_person_leaves_with_what_a_call_was_like(secret: str) -> None:
    statistics = CallStatistics(1.0)
    for _ in range(12):
        statistics.add(Second(1.0), "good", "good")
    quality = statistics.result("0123456789abcdef", 2.0, encoder=secret)
    data = json.dumps(json.loads(Sealer(lambda: 1.0, lambda: 2.0, boot="b").seal(quality))["data"], ensure_ascii=False)
    assert secret not in data


def test_without_station_call_no_device_is_called_good(tmp_path: Path) -> None:
    devices = report(Known("floor", None, {}, 0, 0, 0), tmp_path, 5.0).devices
    assert "ok" not in encode(devices).values()


def test_a_real_machine_gives_a_report_that_travels(tmp_path: Path) -> None:
    health = report(Known("ntp", Devices(), {"agent": "running"}, 3, 2, 1), tmp_path, 5.0)
    assert health.uptime_s > 0
    assert health.memory_total_mb
    assert health.disk_total_mb
    assert (health.outbox_waiting, health.outbox_dropped, health.refused_messages) == (3, 2, 1)
    assert Sealer(lambda: 1.0, lambda: 2.0).seal(health)
