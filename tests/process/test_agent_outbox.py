"""The outbox of a process that is killed in the middle of writing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from device.agent.outbox import Outbox

_WRITER = """
import sys
from pathlib import Path
from device.agent.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]))
number = 0
while True:
    outbox.put("event", "t", b"%d" % number)
    print(number, flush=True)
    number += 1
"""


def test_what_was_put_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    said = -1
    for round_ in range(4):
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(20 + round_ * 7):
            said = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        said = max([said, *map(int, writer.stdout.read().split())])
        writer.wait()
        writer.stdout.close()

        outbox = Outbox(path)
        kept = [int(parcel.payload) for parcel in outbox.waiting(most=100_000)]
        assert kept[: said + 1] == list(range(said + 1))
        assert len(kept) <= said + 2, "at most the one that was being put when the kill came"
        assert outbox.set_aside is None
        for parcel in outbox.waiting(most=100_000):
            outbox.done(parcel.number)
        outbox.close()
