"""What the audit can tell of: every action and outcome, as stable words.

Scripts read these; pages show the words that `region.web.words.audit` has for them. An event of a station is told with
the station's own word as its outcome, so those are open.
"""

from __future__ import annotations

from typing import Literal

from messaging.call import EndReason, RefusalCode

AuditAction = Literal[
    "sign_in", "sign_out", "sign_in.link", "password", "second_step", "second_step.reset",
    "passkey.add", "passkey.remove", "token", "token.add", "token.revoke",
    "user.add", "user.bind", "user.sign_out", "user.block", "user.unblock",
    "site.add", "clinic.add", "clinic.change", "station.add", "station.change", "code.make",
    "cluster.add", "municipality.add", "municipality.move", "site.move", "station.move", "room.add", "person.change",
    "site.rename", "municipality.rename", "cluster.rename", "room.rename",
    "site.remove", "municipality.remove", "cluster.remove", "room.remove", "clinic.remove", "station.remove",
    "layer.change", "profile.copy", "card.prepare", "claim.approve", "claim.refuse",
    "import", "export", "backup", "restore",
    "certificate", "enrolled", "event", "station.revoke", "station.quarantine", "station.release", "station.cut_off",
    "command.give", "command.cancel", "command.ended", "diagnostics.take", "diagnostics.read",
    "call.requested", "call.placed", "call.answered", "call.refused", "call.ended",
]  # fmt: skip
AuditOutcome = Literal[
    "done", "made", "changed", "given", "renewed", "refused", "waiting", "ringing", "answered", "by_itself",
    "successful", "failed", EndReason, RefusalCode
]  # fmt: skip
LEFT_OUT = "events_left_out"  # the region's own event, of a station that tells of too many
