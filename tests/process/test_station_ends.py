"""The real `station call`, asked by the agent to end: in order, this run alone, and never out of a call."""

from __future__ import annotations

import pytest

from messaging.local import End
from tests.process.call_stage import PATIENCE_S, Stage

pytestmark = pytest.mark.system


async def ended(stage: Stage) -> int:
    """How it ended of its own accord."""
    process = stage.station.process
    assert process is not None
    await stage.screen.until(lambda: stage.screen.view is None or None, "its socket is gone", PATIENCE_S)
    return await process.wait()


async def test_it_ends_in_order_when_this_run_of_it_is_asked_and_says_so_to_the_region(stage: Stage) -> None:
    await stage.ready()
    view = stage.screen.view
    assert view is not None
    stage.screen.say(End("another run"))
    await stage.screen.until(lambda: stage.screen.refusals or None, "a refusal")
    assert stage.screen.refusals == ["another_run"]
    stage.screen.say(End(view.boot))
    stage.screen.say(End(view.boot))
    assert await ended(stage) == 0
    region = stage.region
    await region.until(lambda: (region.presence and region.presence.state == "offline") or None, "an orderly farewell")


async def test_whoever_is_in_a_call_comes_first(stage: Stage) -> None:
    await stage.ready()
    stage.screen.press()
    view = await stage.screen.state("calling")
    stage.screen.say(End(view.boot))
    await stage.screen.until(lambda: stage.screen.refusals or None, "a refusal")
    assert stage.screen.refusals == ["in_call"]
    stage.screen.press()
    view = await stage.screen.shows(lambda view: view.state == "idle", "the call is over")
    stage.screen.say(End(view.boot))
    assert await ended(stage) == 0


async def test_a_station_that_was_retired_is_nobody_to_the_call_as_well(stage: Stage) -> None:
    await stage.ready()
    (stage.station.state_dir / "identity.json").unlink()
    assert await ended(stage) == 1
    await stage.station.start()
    view = await stage.screen.state("fault")
    assert view.fault == "not_enrolled"
