"""A call of the whole house under watch: both ends are looked at while something is killed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import Browser

from messaging.local import Message
from region.registry.records import Person, ProcessPresence
from tests.browser.desk_page import Desk, desk_of
from tests.kits.eventually import eventually
from tests.kits.house import READY_S, Face, House, RunningStation
from tests.kits.promptness import Stopwatch

STILL_S = 2.0  # a picture that stands still for longer is something a clinician would speak of
LOST_S = 1.5  # with nothing for so long, both ends rightly say that the line is lost

# What the page shows from now on: the states of the call's pane, and how evenly the pictures come.
_WATCH = """
() => {
  const call = document.querySelector("#call");
  const video = document.querySelector("#remote");
  const seen = { states: [call.dataset.state], pictures: 0, gap: 0, last: performance.now() };
  window.seen = seen;
  new MutationObserver(() => seen.states.push(call.dataset.state))
    .observe(call, { attributes: true, attributeFilter: ["data-state"] });
  const picture = () => {
    const now = performance.now();
    seen.gap = Math.max(seen.gap, now - seen.last);
    seen.last = now;
    seen.pictures += 1;
    video.requestVideoFrameCallback(picture);
  };
  video.requestVideoFrameCallback(picture);
}
"""


class Onlooker(Face):
    """Stands at the station and remembers every state, and how evenly the clinician's pictures come."""

    def __init__(self, station: RunningStation) -> None:
        super().__init__(station.runtime_dir)
        self.states: set[tuple[str, str | None]] = set()
        self.pictures = 0
        self.gap = 0.0
        self.served_gap = 0.0  # seconds in which the machine had the time to show one
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        await super().close()

    async def _watch(self) -> None:
        since = Stopwatch()
        while True:
            if self._ring.read() is not None:
                self.gap, self.served_gap = max(self.gap, since.taken_s), max(self.served_gap, since.served_s)
                since = Stopwatch()
                self.pictures += 1
            await asyncio.sleep(0.01)  # as a screen does: there is nothing to wait on in shared memory

    def _heard(self, message: Message) -> None:
        super()._heard(message)
        if self.view is not None:
            self.states.add((self.view.state, self.view.call))


async def sit_down(house: House, browser: Browser, person: Person) -> Desk:
    """This person, signed in at the desk, in a window of their own."""
    desk = await desk_of(browser)
    await desk.open(await house.sign_in_link(person))
    return desk


async def talk(station: RunningStation, desk: Desk) -> str:
    """From the press to pictures at both ends; the call's id."""
    station.face.press()
    await desk.button("Answer").click()
    await desk.state("live")
    view = await station.face.state("in_call")
    await asyncio.gather(desk.sees(5), station.face.sees(5))
    assert view.call is not None
    return view.call


async def watch(desk: Desk) -> None:
    """Have the page remember what it shows from now on."""
    await desk.page.evaluate(_WATCH)


async def seen_states(desk: Desk) -> list[str]:
    """The states of the call's pane since `watch`, in order, each once."""
    return list(dict.fromkeys(await desk.page.evaluate("window.seen.states")))


@contextlib.asynccontextmanager
async def one_call(station: RunningStation, desk: Desk, what: str) -> AsyncIterator[None]:
    """What happens within costs the running call nothing: pictures come both ways all along, and go on after it."""
    onlooker, watched = Onlooker(station), Stopwatch()
    try:
        view = await onlooker.state("in_call")
        await watch(desk)
        yield
        await asyncio.gather(desk.sees(30), station.face.sees(30))
        seen = await desk.page.evaluate("window.seen")
        print(
            f"{what}: the clinician saw {seen['pictures']} pictures, none later than {seen['gap'] / 1000:.2f} s; "
            f"the station {onlooker.pictures}, none later than {onlooker.gap:.2f} s"
        )
        assert onlooker.served_gap < STILL_S
        assert seen["gap"] / 1000 < STILL_S + watched.waited_s
        starved = max(seen["gap"] / 1000, onlooker.gap) >= LOST_S
        lost = ({"lost"}, {("connecting", view.call)}) if starved else (set(), set())
        assert set(await seen_states(desk)) - lost[0] == {"live"}
        assert onlooker.states - lost[1] == {("in_call", view.call)}
    finally:
        await onlooker.close()


async def restarted(station: RunningStation, process: str, old: int) -> int:
    """The process id of the one that took the place of `old`."""

    def another() -> bool:
        return station.processes.pids.get(f"{station.id}-{process}", old) != old

    await eventually(another, READY_S)
    return station.pid(process)


async def presence(house: House, station: RunningStation, process: str) -> ProcessPresence:
    """What the region knows of one of the station's processes."""
    async with house.registry.read() as t:
        known = await t.reports.presence(station.id, process)  # type: ignore[arg-type]
    assert known is not None
    return known


async def back_online(house: House, station: RunningStation, process: str, before: ProcessPresence) -> ProcessPresence:
    """The region has heard a newer birth of that process than the one it knew."""

    async def newer() -> ProcessPresence | None:
        now = await presence(house, station, process)
        return now if now.state == "online" and (now.boot, now.bd) != (before.boot, before.bd) else None

    return await eventually(newer, READY_S)
