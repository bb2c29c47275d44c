"""The screen's scenes: what the two processes say in each, for the tests that look at the real screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

from messaging.call import Devices, EndReason
from messaging.local import AgentView, CallState, CallView, ClaimShown, FaultReason, LightPattern
from messaging.settings import Night, Opening
from messaging.twin import Config, Language

NOW = 1_795_266_300.0  # Saturday 21 November 2026, in daylight in Denmark
LONG = "Lægefællesskabet ved Sønderstrandvejens Sundhedshus og Rådgivningsklinik i Øster By"[:80]
_LIGHTS: dict[CallState, LightPattern] = {
    "idle": "ready", "calling": "calling", "ringing": "ringing", "connecting": "live", "in_call": "live",
    "ending": "live", "fault": "fault", "offline": "fault",
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """One moment: what both processes said, and the ages of the newest pictures (None: none came)."""

    name: str
    call: CallView | None
    agent: AgentView | None
    remote: bool = False
    own: bool = False
    frozen: bool = False
    away_for: float = 0.0


def call_view(state: CallState, **changes: object) -> CallView:
    """A view of station-call in this state, as it would say it in the middle of a day."""
    light = _LIGHTS.get(state, "off")
    view = CallView(state, "boot1", NOW - 20, light, Devices(), peer_name="Anna Holm", peer_role="læge")
    if state in ("idle", "offline", "fault", "calling"):
        view = replace(view, peer_name="", peer_role="")
    return replace(view, **changes)  # type: ignore[arg-type]


def agent_view(language: Language = "da", **config: object) -> AgentView:
    """A view of station-agent with this language and config."""
    settings = Config("Lægerne ved Havnen", "70123456", "Plejehjemmet Solgården", "Stue 12", language)
    return AgentView("up", True, "st-k3m9q2x7", "ntp", replace(settings, **config))  # type: ignore[arg-type]


def scenes(language: Language, agent: AgentView | None = None, **names: object) -> Iterator[Scene]:
    """Every state the screen has, in one language; `names` replace the peer's name and role."""
    agent = agent or agent_view(language)

    def scene(name: str, state: CallState, **changes: object) -> Scene:
        pictures = {key: bool(changes.pop(key, False)) for key in ("remote", "own", "frozen")}
        seen = names if state not in ("idle", "offline", "fault", "calling") else {}
        return Scene(name, call_view(state, **{**seen, **changes}), agent, **pictures)

    yield scene("idle", "idle")
    night = Night(on=True, begins="00:00", ends="23:59", brightness=10)
    dark = replace(agent, config=replace(agent.config, night=night))
    yield Scene("idle_night", call_view("idle"), dark)
    yield Scene("ringing_night", call_view("ringing", outgoing=False, **names), dark)
    yield scene("idle_no_camera", "idle", devices=Devices(camera="missing"))
    yield scene("calling", "calling", own=True)
    other = replace(agent, config=replace(agent.config, fallback=agent.config.clinic or "Lægevagten"))
    yield Scene("calling_other", call_view("calling", fallback=True), other, own=True)
    yield scene("calling_long", "calling", own=True, since=NOW - 90)
    yield scene("ringing", "ringing", outgoing=False)
    yield scene("ringing_countdown", "ringing", outgoing=False, answers_at=NOW + 12)
    yield scene("connecting", "connecting", own=True)
    yield scene("resuming", "connecting", own=True, resuming=True, lost_since=NOW - 5)
    yield scene("resuming_long", "connecting", own=True, resuming=True, lost_since=NOW - 61)
    yield scene("in_call", "in_call", connected_since=NOW - 185, own=True, remote=True)
    yield scene("in_call_frozen", "in_call", connected_since=NOW - 185, own=True, remote=True, frozen=True)
    yield scene("in_call_no_picture", "in_call", connected_since=NOW - 2, own=True)
    yield scene("in_call_camera_off", "in_call", connected_since=NOW - 185, own=True, peer_camera=False)
    yield scene(
        "in_call_no_microphone", "in_call", connected_since=NOW - 9, own=True, remote=True,
        devices=Devices(microphone="missing"),
    )  # fmt: skip
    for looking in ("closer", "examination", "still"):
        yield scene(f"in_call_{looking}", "in_call", connected_since=NOW - 185, own=True, remote=True, looking=looking)
    yield scene("in_call_covered", "in_call", connected_since=NOW - 185, own=True, remote=True, lens="covered")
    yield scene("ending", "ending")
    for reason in get_args(EndReason):
        yield scene(f"ended_{reason}", "feedback", reason=reason)
    yield scene("ended_said_no", "feedback", reason="declined", outgoing=False)
    yield scene("ended_missed", "feedback", reason="no_answer", outgoing=False)
    for fault in get_args(FaultReason):
        yield scene(f"fault_{fault}", "fault", fault=fault)
    yield scene("identify", "idle", identifying=True, light="identify")
    yield scene("identify_out_of_use", "fault", fault="locked", identifying=True, light="identify")
    shut = replace(agent, config=replace(agent.config, opening=Opening(closed=("2026-11-21",))))
    yield Scene("idle_closed", call_view("idle"), shut)
    message = (
        "Regionens IT kommer forbi i morgen klokken ti for at se til skærmen og kameraet. Du behøver ikke gøre noget."
    )
    yield Scene("message", call_view("idle"), replace(agent, message=message))
    yield Scene("message_closed", call_view("idle"), replace(shut, message=message))
    yield Scene("message_offline", call_view("offline"), replace(agent, message=message))
    claim = ClaimShown(f"https://region.example/claims/{'ab' * 32}?check=012345", "012345")
    yield Scene("claim", call_view("fault", fault="not_enrolled"), replace(agent, enrolled=False, claim=claim))
    yield scene("offline", "offline")
    yield Scene("offline_night", call_view("offline"), dark)
    yield Scene("away", None, agent)
    yield Scene("away_long", None, agent, away_for=60.0)
