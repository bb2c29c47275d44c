"""What a station asks of the machine's network."""

from __future__ import annotations

from typing import Protocol

from messaging.settings import Network


class NetworkPort(Protocol):
    """The machine's network."""

    async def carry_out(self, wanted: Network) -> str:
        """Be on the network like this from now on, and after every start.

        '' once it has been told; whether it leads anywhere, the link shows. Otherwise why not, as the region is told
        it: no secret in it. It may be asked again, and what is so already is left alone.
        """
