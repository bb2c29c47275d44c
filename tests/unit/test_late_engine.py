"""The engine that is still loading when somebody presses. Here the real one is loaded, on simulated hardware."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.call.late_engine import LateEngine
from device.hardware.sim.station import Simulation
from device.media.media import Media
from device.runtime.config import MediaSection, StationConfig, StationSection
from messaging.clock import SystemClock


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[LateEngine]:
    sections = StationSection("sim", str(tmp_path), str(tmp_path))
    config = StationConfig(sections, MediaSection(width=320, height=240))
    media = Media(Simulation(config).hardware(), config.media, tmp_path, SystemClock())
    late = LateEngine(media, SystemClock(), lambda event: None)
    yield late
    await late.close()
    await media.close()


async def test_an_offer_asked_for_too_early_is_made_once_it_can_be(engine: LateEngine) -> None:
    offer = asyncio.create_task(engine.prepare(1, ()))
    await asyncio.sleep(0)
    assert not offer.done()
    await engine.load()
    assert "m=video" in await offer


async def test_a_call_given_up_before_the_engine_is_there_leaves_nothing(engine: LateEngine) -> None:
    offer = asyncio.create_task(engine.prepare(1, ()))
    await asyncio.sleep(0)
    offer.cancel()
    await engine.close(bye=True)
    await engine.load()
    assert "m=audio" in await engine.prepare(2, ())


async def test_what_the_station_has_is_told_to_the_engine_that_comes_later(
    engine: LateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from device.call.engine import Engine

    told: list[tuple[bool, bool]] = []
    monkeypatch.setattr(Engine, "tell_media", lambda self, *media: told.append(media))
    engine.tell_media(False, True)
    await engine.load()
    engine.tell_media(True, True)
    assert told == [(False, True), (True, True)]
