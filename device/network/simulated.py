"""The network of a machine that is not there: a file in the runtime directory shows what it would be like."""

from __future__ import annotations

import json
from pathlib import Path

from messaging.codec import encode
from messaging.settings import Network, redacted
from provisioning.station.files import write_whole

SHOWN = "simulated_network.json"


class SimulatedNetwork:
    """Fulfils `NetworkPort`. The computer that it is simulated on stays on the network as it is."""

    def __init__(self, runtime_dir: Path) -> None:
        self._path = runtime_dir / SHOWN

    async def carry_out(self, wanted: Network) -> str:
        """Show it, without its secrets."""
        try:
            write_whole(self._path, json.dumps(encode(redacted(wanted)), indent=1, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            return f"cannot be shown: {error.strerror}"
        return ""
