"""Devices come and go: the call goes on with what there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from device.hardware.errors import DeviceFailed, DeviceMissing
from device.media.attempts import MANY, STEADY_S
from device.media.devices import FROZEN_S, HEAL_S, DeviceSet
from messaging.call import Devices, DeviceState
from tests.kits.clock import ManualClock


class FakeDevice:
    """A device with a state that a test sets, that remembers how often it was opened."""

    def __init__(self) -> None:
        self.state: DeviceState = "ok"
        self.is_open = False
        self.opened = self.tried = 0
        self._on_fault: Callable[[str], None] = lambda why: None

    def presence(self) -> DeviceState:
        return self.state

    def open(self, on_fault: Callable[[str], None]) -> None:
        self.tried += 1
        if self.state == "missing":
            raise DeviceMissing("not there")
        if self.state == "fault":
            raise DeviceFailed("broken")
        assert not self.is_open
        self.is_open = True
        self.opened += 1
        self._on_fault = on_fault

    def close(self) -> None:
        self.is_open = False

    def fail(self, state: DeviceState) -> None:
        self.state = state
        self._on_fault("unplugged")


class FakePlugs:
    """The kernel's word that something was plugged in."""

    def __init__(self) -> None:
        self.tell: Callable[[], None] | None = None

    def listen(self, on_change: Callable[[], None]) -> None:
        self.tell = on_change

    def close(self) -> None:
        self.tell = None


class Bench:
    """A DeviceSet on a clock that a test moves."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.camera, self.microphone, self.speaker = FakeDevice(), FakeDevice(), FakeDevice()
        self.frames_flow = True
        self.plugs = FakePlugs()
        self.changes: list[Devices] = []
        self._changed = asyncio.Event()
        self.set = DeviceSet(
            {"camera": self.camera, "microphone": self.microphone, "speaker": self.speaker},
            {"camera": self.camera.open, "microphone": self.microphone.open, "speaker": self.speaker.open},
            lambda: self.clock.monotonic() if self.frames_flow else -1.0,
            self.clock,
            self._change,
            self.plugs,
        )

    async def pass_time(self, seconds: float) -> None:
        """Look by look."""
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until:
            await self.clock.advance(HEAL_S)
            await settle()

    async def want_all(self) -> None:
        await self.set.want("camera", "microphone", "speaker")

    async def release_all(self) -> None:
        await self.set.release("camera", "microphone", "speaker")

    async def change(self) -> Devices:
        """The next change that is told."""
        async with asyncio.timeout(5):
            await self._changed.wait()
        self._changed.clear()
        return self.changes[-1]

    def _change(self, devices: Devices) -> None:
        self.changes.append(devices)
        self._changed.set()


@pytest.fixture
async def bench():
    bench = Bench()
    yield bench
    await bench.release_all()
    assert not any(device.is_open for device in (bench.camera, bench.microphone, bench.speaker))


async def test_all_that_works_is_opened_once(bench: Bench) -> None:
    await bench.want_all()
    await bench.want_all()
    assert bench.set.state == Devices()
    assert (bench.camera.opened, bench.microphone.opened, bench.speaker.opened) == (1, 1, 1)


async def test_what_is_not_there_or_broken_is_told_and_the_rest_opens(bench: Bench) -> None:
    bench.camera.state, bench.microphone.state = "missing", "fault"
    await bench.want_all()
    assert bench.set.state == Devices(camera="missing", microphone="fault", speaker="ok")
    assert bench.speaker.is_open


async def test_a_camera_pulled_out_in_a_call_is_told_and_heals_when_it_is_back(bench: Bench) -> None:
    await bench.want_all()
    await asyncio.to_thread(bench.camera.fail, "missing")
    assert (await bench.change()).camera == "missing"
    assert bench.microphone.is_open

    bench.camera.state = "ok"
    await bench.clock.advance(HEAL_S)
    assert (await bench.change()).camera == "ok"
    assert bench.camera.is_open


async def test_a_camera_that_gives_no_pictures_is_opened_anew_and_a_fault_until_it_gives_some(bench: Bench) -> None:
    await bench.want_all()
    bench.frames_flow = False
    began = bench.clock.monotonic()
    while not bench.changes:
        await bench.pass_time(HEAL_S)
    assert (await bench.change()).camera == "fault"
    assert FROZEN_S <= bench.clock.monotonic() - began <= FROZEN_S + 2 * HEAL_S
    await bench.pass_time(HEAL_S)
    assert bench.camera.opened == 2
    assert bench.set.state.camera == "fault", "opened anew is not yet well"
    assert bench.set.broken == frozenset(), "once is no fault for somebody to look at"
    bench.frames_flow = True
    await bench.pass_time(HEAL_S)
    assert (await bench.change()).camera == "ok"


async def test_three_failures_in_a_row_make_a_fault_that_is_tried_ever_more_rarely_and_clears_by_itself(
    bench: Bench,
) -> None:
    bench.frames_flow = False
    await bench.want_all()
    while "camera" not in bench.set.broken:
        await bench.pass_time(HEAL_S)
        assert bench.clock.monotonic() < 4 * (FROZEN_S + 2 * HEAL_S)
    assert bench.camera.opened == MANY
    await bench.pass_time(60)
    assert MANY + 2 <= bench.camera.opened <= MANY + 6, "not every two seconds for ever"
    bench.frames_flow = True
    await bench.pass_time(40 + STEADY_S)
    assert bench.set.broken == frozenset()
    assert bench.set.state == Devices()


async def test_a_device_that_does_not_open_is_hurried_when_something_is_plugged_in(bench: Bench) -> None:
    bench.microphone.state = "fault"
    await bench.want_all()
    await bench.pass_time(60)
    assert "microphone" in bench.set.broken
    tries = bench.microphone.tried
    bench.microphone.state = "ok"
    assert bench.plugs.tell is not None
    await asyncio.to_thread(bench.plugs.tell)
    await bench.pass_time(HEAL_S)
    assert bench.microphone.tried == tries + 1
    assert bench.set.state.microphone == "ok"
    await bench.release_all()
    assert bench.plugs.tell is None, "nobody listens between two calls"


async def test_what_is_pulled_out_is_no_failure_however_long(bench: Bench) -> None:
    bench.speaker.state = "missing"
    await bench.want_all()
    await bench.pass_time(60)
    assert bench.set.broken == frozenset()
    bench.speaker.state = "ok"
    await bench.pass_time(HEAL_S)
    assert bench.set.state.speaker == "ok", "found at the next look"


async def test_a_camera_that_pauses_for_a_still_is_not_thought_frozen(bench: Bench) -> None:
    await bench.want_all()
    bench.frames_flow = False
    with bench.set.camera_pauses():
        await bench.pass_time(2 * FROZEN_S)
    await bench.pass_time(FROZEN_S / 2)
    assert (bench.camera.opened, bench.changes) == (1, [])


async def test_a_fault_of_a_device_that_was_released_changes_nothing(bench: Bench) -> None:
    await bench.want_all()
    await bench.release_all()
    bench.camera.fail("ok")
    await settle()
    assert bench.changes == []


async def test_released_devices_are_not_opened_again(bench: Bench) -> None:
    bench.camera.state = "missing"
    await bench.want_all()
    await bench.release_all()
    bench.camera.state = "ok"
    await bench.clock.advance(10 * HEAL_S)
    assert bench.camera.opened == 0


async def test_only_the_speaker_opens_for_a_tone(bench: Bench) -> None:
    await bench.set.want("speaker")
    assert (bench.camera.opened, bench.microphone.opened) == (0, 0)
    await bench.want_all()
    assert bench.speaker.opened == 1
    await bench.set.release("speaker")
    assert bench.camera.is_open


async def test_refresh_asks_what_is_shut_and_leaves_what_is_open(bench: Bench) -> None:
    bench.camera.state, bench.speaker.state = "missing", "missing"
    await bench.set.refresh()
    assert bench.set.state == Devices(camera="missing", speaker="missing")
    assert (bench.camera.opened, bench.microphone.opened) == (0, 0)


async def settle() -> None:
    """Let work in the default executor come back: it runs in order of one worker's turn."""
    await asyncio.gather(*(asyncio.to_thread(lambda: None) for _ in range(32)))
    for _ in range(10):
        await asyncio.sleep(0)
