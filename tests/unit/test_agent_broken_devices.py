"""A device that fails again and again is told to the region once, and once more when it works again."""

from __future__ import annotations

from device.agent.neighbours import DeviceHappened, Neighbours
from device.health.processes import Happened
from messaging.call import Devices
from messaging.local import CallView
from tests.kits.clock import ManualClock


def view(*broken: str, boot: str = "one") -> CallView:
    return CallView("idle", boot, 0.0, "ready", Devices(), broken=broken)


class Region:
    """What it would be told of devices."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.neighbours = Neighbours(ManualClock(), self._happened)

    def _happened(self, happened: Happened | DeviceHappened) -> None:
        if isinstance(happened, DeviceHappened):
            self.told.append((happened.kind, happened.part))


def test_each_fault_is_told_once_and_so_is_its_end() -> None:
    region = Region()
    for broken in ((), ("camera",), ("camera",), ("camera", "speaker"), ("speaker",), ()):
        region.neighbours.on_call(view(*broken))
    assert region.told == [
        ("device_fault", "camera"),
        ("device_fault", "speaker"),
        ("device_mended", "camera"),
        ("device_mended", "speaker"),
    ]


def test_a_new_run_of_the_call_process_has_mended_nothing() -> None:
    region = Region()
    region.neighbours.on_call(view("camera"))
    region.neighbours.on_call(view(boot="two"))
    assert region.told == [("device_fault", "camera")]
    region.neighbours.on_call(view("camera", boot="two"))
    assert region.told[1:] == [("device_fault", "camera")]


def test_a_word_that_is_no_device_is_not_passed_on() -> None:
    region = Region()
    region.neighbours.on_call(view("Hr. Jensen"))
    assert region.told == []
