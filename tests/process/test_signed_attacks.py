"""Somebody who may write at the broker, by a stolen certificate of the region's, and has not the region's voice.

Real mosquitto, a real station-agent. Nothing of what is published changes the station: not what is in force, not what
is on its disk, and the next true config is taken as ever.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from messaging.jws import base64url
from messaging.signed import Word, carry, claims
from messaging.twin import Config
from provisioning.authority.certificates import CLIENT, SERVER
from tests.kits.trust.signing import Forger, SigningKit
from tests.process.agent_stage import STATION, Stage, agent_stage

pytestmark = pytest.mark.system
IN_FORCE = 5
TRUE = Config(clinic="Lægehuset", volume=40)
FALSE = {"clinic": "Somebody Else", "volume": 100}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A station that works by version 5 of the region's."""
    async with agent_stage(tmp_path) as stage:
        await stage.est.print_code(stage.code)
        await stage.start_agent()
        await stage.hear_branch("birth")
        await stage.desire(IN_FORCE, TRUE)
        await stage.hear(lambda t, e: t.branch == "reported" and e.data["version"] == IN_FORCE)
        yield stage


def _file(stage: Stage) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((stage.state / "config.json").read_text())
    return document


def _word(stage: Stage, version: int, **changes: Any) -> Word:
    return replace(Word("desired", STATION, stage.clock.wall(), {"config": FALSE}, version=version), **changes)


async def _refused(stage: Stage, data: dict[str, Any], reason: str) -> None:
    """Published, retained as a config is; and what the station says of it, which is all that comes of it."""
    heard, before = len(stage.heard), _file(stage)
    await stage.say(data, "desired", retain=True)
    reported = await stage.hear(lambda t, e: t.branch == "reported", heard)
    assert reported.data["version"] == IN_FORCE
    assert (reported.data["config"]["clinic"], reported.data["config"]["volume"]) == ("Lægehuset", 40)
    assert reason in reported.data["refused"]["document"]
    assert "Somebody Else" not in json.dumps(reported.data)
    assert _file(stage) == before
    await stage.desire(IN_FORCE, TRUE)  # what the broker kept of the region's; it ends the remark
    await stage.hear(lambda t, e: t.branch == "reported" and not e.data["refused"], heard)


async def test_nothing_that_the_region_has_not_signed_changes_the_station(stage: Stage) -> None:
    true = stage.signer.desired(STATION, 6, FALSE)["jws"]
    head, text, signature = true.split(".")
    claims = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    other = base64.urlsafe_b64encode(json.dumps({**claims, "version": 9}).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"laegeknap+jws","x5c":[]}').rstrip(b"=").decode()
    await _refused(stage, {"version": 6, "config": FALSE}, "nothing signed")
    await _refused(stage, {"jws": f"{none}.{text}."}, "not a signed word")
    await _refused(stage, {"jws": f"{none}.{text}.{signature}"}, "header")
    await _refused(stage, {"jws": f"{head}.{other}.{signature}"}, "not what was signed")
    assert await stage.end_agent() == 0


async def test_no_other_certificate_of_this_region_or_another_can_sign(stage: Stage) -> None:
    held = stage.est.authority._held
    for issuer, usage in ((held.services, CLIENT), (held.services, SERVER), (held.stations, CLIENT)):
        forger = Forger(stage.clock, issuer, (usage,))
        await _refused(stage, carry(forger.jws(_word(stage, 6))), "not one for signing words")
    await _refused(stage, SigningKit(stage.clock).desired(STATION, 6, FALSE), "leads to no root")
    expired = Forger(stage.clock, held.services, begins=stage.clock.wall() - 900, ends=stage.clock.wall() - 300)
    await _refused(stage, carry(expired.jws(_word(stage, 6))), "outside the time")
    assert await stage.end_agent() == 0


async def test_a_true_word_of_another_time_place_or_purpose_changes_nothing(stage: Stage) -> None:
    theirs = stage.signer.desired("st-00000002", 6, FALSE)
    await _refused(stage, theirs, "another station")
    await _refused(stage, stage.signer.desired(STATION, IN_FORCE - 1, FALSE), "older than 5")
    await _refused(stage, stage.signer.desired(STATION, IN_FORCE, FALSE), "with other content")
    command = Word("command", STATION, stage.clock.wall(), {}, stage.clock.wall() + 60, cid="a" * 16, type="reboot")
    await _refused(stage, carry(stage.signer.jws(command)), "another purpose")
    assert await stage.end_agent() == 0


async def test_a_config_that_was_replaced_stays_replaced_when_it_is_played_again_even_after_a_restart(
    stage: Stage,
) -> None:
    old = stage.signer.desired(STATION, IN_FORCE, TRUE)
    await stage.desire(6, Config(clinic="Lægehuset", volume=20))
    await stage.hear(lambda t, e: t.branch == "reported" and e.data["version"] == 6)
    assert await stage.end_agent() == 0
    await stage.say(old, "desired", retain=True)
    heard = len(stage.heard)
    await stage.start_agent()
    reported = await stage.hear(lambda t, e: t.branch == "reported" and "document" in e.data["refused"], heard)
    assert (reported.data["version"], reported.data["config"]["volume"]) == (6, 20)
    assert "older than 6" in reported.data["refused"]["document"]
    await stage.hear(lambda t, e: t.branch == "m" and e.data["refused_messages"] > 0, heard)
    assert await stage.end_agent() == 0


async def test_garbage_by_the_hundred_is_told_of_once_and_the_next_true_config_is_taken(stage: Stage) -> None:
    heard = len(stage.heard)
    signing_input = b"e30." + base64url(claims(_word(stage, 6)))
    for number in range(100):
        await stage.say({"jws": f"{signing_input.decode()}.{'A' * 86}", "n": number}, "desired")
    await stage.desire(7, Config(clinic="Lægehuset", volume=10))
    await stage.hear(lambda t, e: t.branch == "reported" and e.data["version"] == 7, heard)
    told = [e for t, e in stage.heard[heard:] if t.branch == "reported"]
    assert len(told) == 2, "one refusal, and the config that came into force"
    health = await stage.hear(lambda t, e: t.branch == "m" and e.data["refused_messages"] > 0, heard)
    assert health.data["refused_messages"] == 100
    assert await stage.end_agent() == 0
