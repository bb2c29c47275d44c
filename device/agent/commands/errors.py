"""The errors of commands; drawn in `device/agent/commands/__init__.py`."""

from __future__ import annotations

from device.agent.errors import AgentError
from messaging.errors import MessageError


class JournalUnusable(AgentError):
    """The journal cannot be written: disk full, read-only, or damaged beyond a new start."""


class RetainedOrder(MessageError):
    """A command with the retain flag."""

    code = "retained"


class OtherOrder(MessageError):
    """A command sent under another id or type than it was signed with."""

    code = "other_order"
