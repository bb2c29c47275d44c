"""What the panel shows, as plain data for its page: a pure function of what the processes said."""

from __future__ import annotations

import array
import math
import sys
from typing import Any, get_args

from kiosk_ui.words import Words
from kiosk_ui.words.catalogue import DeviceName
from messaging.local import ON_AIR, AgentView, CallView
from messaging.twin import Language

DEVICES: tuple[DeviceName, ...] = get_args(DeviceName)
KNOBS = frozenset(f"{verb}_{device}" for verb in ("plug", "unplug") for device in DEVICES)
SILENCE_DB = -90.0
SIMULATED = "sim"


def panel_state(call: CallView | None, agent: AgentView | None, language: Language) -> dict[str, Any]:
    """The page's state; `away` while station-call cannot be heard, and then the light is off."""
    words = Words(language)
    state: dict[str, Any] = {
        "language": language,
        "station": agent.config.station if agent is not None else "",
        "hardware": agent.hardware if agent is not None else "",
        "away": call is None,
    }
    if call is None:
        nothing = {"state": "", "light": "off", "light_text": "", "camera": False, "devices": {}}
        return {**state, **nothing, "state_text": words.panel.away}
    return {
        **state,
        "state": call.state,
        "state_text": words.states[call.state],
        "light": call.light,
        "light_text": words.lights[call.light],
        "camera": call.light in ON_AIR and call.devices.camera == "ok",
        "devices": {device: getattr(call.devices, device) for device in DEVICES},
    }


def is_real(agent: AgentView | None) -> bool:
    """Whether the station has said that its hardware is no simulation."""
    return agent is not None and agent.hardware not in ("", SIMULATED)


def level_db(pcm: bytes) -> float:
    """The RMS level of signed 16-bit little-endian sound, in dBFS, not below -90."""
    samples = array.array("h", pcm[: len(pcm) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    # Every fourth sample says as much of a level, for a quarter of the work.
    some = samples[::4]
    if not some:
        return SILENCE_DB
    mean = sum(sample * sample for sample in some) / len(some)
    return max(SILENCE_DB, 10 * math.log10(mean / 32768**2)) if mean else SILENCE_DB
