"""The agent's branch of the station's error tree; drawn in `device/agent/__init__.py`."""

from __future__ import annotations

from device.runtime.errors import StationError


class AgentError(StationError):
    """Something the agent cannot do."""


class OutboxUnusable(AgentError):
    """The outbox cannot be written: disk full, read-only, or damaged beyond a new start."""
