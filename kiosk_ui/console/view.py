"""What the console shows: a pure function of what the two processes said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from kiosk_ui.words import Words
from kiosk_ui.words.catalogue import DeviceName
from messaging.local import AgentView, CallView

Mood = Literal["good", "warn", "bad", "plain"]
_DEVICES: tuple[DeviceName, ...] = get_args(DeviceName)
_FLOOR_DB, _TOP_DB = -60.0, 0.0


@dataclass(frozen=True)
class Row:
    """One line of the state: what, how it is, and how good that is."""

    label: str
    value: str
    mood: Mood = "plain"


@dataclass(frozen=True)
class ConsoleView:
    """The first line (would a call work now), and the rows below it."""

    verdict: str
    mood: Mood
    rows: tuple[Row, ...]


def console_view(call: CallView | None, agent: AgentView | None, words: Words) -> ConsoleView:
    """All that is said in words, from the newest views (None: that process does not answer)."""
    verdict, mood = _verdict(call, words)
    return ConsoleView(verdict, mood, (*_call_rows(call, words), *_agent_rows(agent, words)))


def bar(db: float | None, width: int) -> str:
    """A level in dBFS as a bar with its number, the same width for every level; empty when there is none."""
    if db is None:
        return ""
    share = (min(max(db, _FLOOR_DB), _TOP_DB) - _FLOOR_DB) / (_TOP_DB - _FLOOR_DB)
    full = round(share * width)
    return "█" * full + "░" * (width - full) + f" {max(db, _FLOOR_DB):4.0f} dB"


def _verdict(call: CallView | None, words: Words) -> tuple[str, Mood]:
    texts = words.console
    if call is None:
        return texts.would_not_work.format(why=f"{texts.process_call} {texts.process_away}"), "bad"
    if call.state == "offline":
        return texts.would_not_work.format(why=f"{texts.link}: {texts.link_down}"), "bad"
    if call.state == "fault":
        why = words.faults[call.fault].headline if call.fault is not None else words.states["fault"]
        return texts.would_not_work.format(why=why), "bad"
    if call.state not in ("idle", "feedback"):
        return texts.busy, "good"
    troubles = [
        f"{words.devices[name]} {words.device_states[getattr(call.devices, name)]}"
        for name in _DEVICES
        if getattr(call.devices, name) != "ok"
    ]
    if troubles:
        return texts.would_work_but.format(why=", ".join(troubles)), "warn"
    return texts.would_work, "good"


def _call_rows(call: CallView | None, words: Words) -> list[Row]:
    texts = words.console
    if call is None:
        return [Row(texts.process_call, texts.process_away, "bad")]
    state = words.states[call.state]
    if call.state in ("ending", "feedback") and call.reason is not None:
        state = f"{state}: {call.reason}"
    bad = call.state in ("fault", "offline")
    devices = [
        Row(words.devices[name], words.device_states[value], "good" if value == "ok" else "bad")
        for name in _DEVICES
        for value in (getattr(call.devices, name),)
    ]
    return [
        Row(texts.process_call, words.processes["running"], "good"),
        Row(texts.call, f"{state} {call.peer_name}".strip(), "bad" if bad else "plain"),
        Row(texts.light, words.lights[call.light]),
        *devices,
        Row(texts.volume, f"{call.volume} %"),
    ]


def _agent_rows(agent: AgentView | None, words: Words) -> list[Row]:
    texts = words.console
    if agent is None:
        return [Row(texts.process_agent, texts.process_away, "bad")]
    enrolled = texts.enrolled if agent.enrolled else f"{texts.not_enrolled} {agent.enrolment_error}".strip()
    up = agent.link == "up"
    config = agent.config
    versions = ", ".join(f"{name} {version}" for name, version in sorted(agent.versions.items()))
    reported = _time(agent.last_report, words) if agent.last_report is not None else texts.never
    return [
        Row(texts.process_agent, words.processes["running"], "good"),
        Row(texts.link, texts.link_up if up else texts.link_down, "good" if up else "bad"),
        Row(
            texts.station,
            f"{config.station} ({agent.station}, {enrolled})".strip(),
            "plain" if agent.enrolled else "bad",
        ),
        Row(texts.site, config.site),
        Row(texts.clinic, f"{config.clinic} {config.phone}".strip(), "plain" if config.clinic else "bad"),
        Row(texts.config, f"{agent.config_version} ({config.language})"),
        Row(texts.clock, words.clocks[agent.clock], "good" if agent.clock == "ntp" else "warn"),
        Row(texts.hardware, agent.hardware),
        Row(texts.versions, versions),
        Row(texts.last_report, reported),
    ]


def _time(unix: float, words: Words) -> str:
    return words.time(datetime.fromtimestamp(unix).astimezone())
