"""`station status` and `station press`: what a technician asks of a station and does to it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

from device.agent.asking import Conversation, first
from device.agent.readiness import Row, rows
from messaging.codec import encode
from messaging.local import AGENT_SOCKET, CALL_SOCKET, AgentView, CallView, Press, Refusal

READY, NOT_READY, NOT_RUNNING = 0, 1, 3
_ANSWER_WITHIN_S = 2.0
_PRESS_WITHIN_S = 3.0


def status(runtime_dir: Path, as_json: bool) -> int:
    """Print whether a call would work now, and why not; 0 ready, 1 not ready, 3 the processes do not run."""
    agent = cast("AgentView | None", first(runtime_dir / AGENT_SOCKET, AgentView, _ANSWER_WITHIN_S))
    call = cast("CallView | None", first(runtime_dir / CALL_SOCKET, CallView, _ANSWER_WITHIN_S))
    table = rows(agent, call)
    ready = not any(row.hinders for row in table)
    print(_as_json(ready, table, agent, call) if as_json else _as_text(ready, table))
    if agent is None and call is None:
        return NOT_RUNNING
    return READY if ready else NOT_READY


def press(runtime_dir: Path) -> int:
    """Press the button as a hand would, and print what came of it; 0 done, 1 refused, 3 station-call does not run."""
    try:
        with Conversation(runtime_dir / CALL_SOCKET, _PRESS_WITHIN_S) as conversation:
            return _press(conversation)
    except OSError:
        print("station: station-call does not run", file=sys.stderr)
        return NOT_RUNNING


def _press(conversation: Conversation) -> int:
    before: CallView | None = None
    for message in conversation.messages():
        if isinstance(message, Refusal):
            print(f"station: the press was refused ({message.code})", file=sys.stderr)
            return NOT_READY
        if not isinstance(message, CallView):
            continue
        if before is None:
            before = message
            conversation.send(Press())
        elif message.presses_refused > before.presses_refused:
            print(f"station: a press can do nothing now ({message.fault or message.state})", file=sys.stderr)
            return NOT_READY
        elif message.state != before.state:
            print(f"{before.state} -> {message.state}")
            return READY
    if before is None:
        print("station: station-call does not answer", file=sys.stderr)
        return NOT_RUNNING
    print(f"station: pressed, but nothing has changed ({before.state})", file=sys.stderr)
    return NOT_READY


def _as_text(ready: bool, table: list[Row]) -> str:
    marks = ((row, "NO" if row.hinders else "!" if row.warns else "ok") for row in table)
    lines = [f"  {mark:<3} {row.name:<14} {row.text}" for row, mark in marks]
    return "\n".join(["A call would work now." if ready else "A call would NOT work now.", "", *lines])


def _as_json(ready: bool, table: list[Row], agent: AgentView | None, call: CallView | None) -> str:
    document: dict[str, Any] = {
        "ready": ready,
        "reasons": [f"{row.name}: {row.text}" for row in table if row.hinders],
        "warnings": [f"{row.name}: {row.text}" for row in table if row.warns],
        "agent": encode(agent) if agent else None,
        "call": encode(call) if call else None,
    }
    for private in ("peer_name", "peer_role"):  # scripts pass this on; who is in a call is nobody's business
        (document["call"] or {}).pop(private, None)
    return json.dumps(document, ensure_ascii=False, indent=2)
