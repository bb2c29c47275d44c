"""How often a station tells of its health. Pure; seconds."""

from __future__ import annotations

from messaging.settings import Telemetry


def interval(own_s: int, telemetry: Telemetry, *, in_call: bool) -> int:
    """Between two reports: as the config has it, or `own_s` of station.toml where that is not 0; oftener in a call."""
    at_rest = own_s or telemetry.health_s
    return min(at_rest, telemetry.call_s) if in_call else at_rest
