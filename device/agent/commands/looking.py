"""The self-test that the region may order: everything that can be known without opening a camera or a microphone.

Whether the microphone hears the speaker is for a hand at the station to find out (`station sound-test`); what that told
last is repeated here.
"""

from __future__ import annotations

from device.agent import readiness
from messaging.local import AgentView, CallView


def figures(agent: AgentView, call: CallView | None) -> dict[str, float]:
    """`ready`: 1 when a call would work now. Each row of `station status`: 1 when it is well. Decibels of the last
    acoustic test of this run, where there was one.
    """
    rows = readiness.rows(agent, call)
    found = {"ready": float(not any(row.hinders for row in rows))}
    found |= {row.name.replace(" ", "_"): float(not (row.hinders or row.warns)) for row in rows}
    test = call.sound_test if call is not None else None
    if test is not None:
        heard = {"echo_db": test.echo_db, "echo_left_db": test.left_db}
        found |= {name: figure for name, figure in heard.items() if figure is not None}
    return found
