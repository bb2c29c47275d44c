"""What the region's processes tell each other: PostgreSQL's NOTIFY, said when the transaction has been committed.

One message is a topic, an event and plain data, cut in pieces that NOTIFY takes (8000 bytes).
Source: PostgreSQL, NOTIFY and LISTEN.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncConnection

from region.registry.errors import Unavailable
from region.registry.table import Subject

_CHANNEL = "laegeknap"
_PIECE = 7000
_MOST_UNFINISHED = 100
_LOOK_S = 5.0


@dataclass(frozen=True)
class Heard:
    """What another process has told."""

    topic: str
    event: str
    data: Any


class News(Subject):
    """`teller` is the process: it does not hear itself."""

    def __init__(self, connection: AsyncConnection, teller: str) -> None:
        super().__init__(connection)
        self._teller = teller

    async def tell(self, topic: str, event: str, data: Any = None) -> None:
        """Tell the other processes once this transaction has been committed; nobody if it is not."""
        if self._connection.dialect.name != "postgresql":
            return
        text, name = json.dumps([topic, event, data], separators=(",", ":")), secrets.token_hex(6)
        pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
        for number, piece in enumerate(pieces):
            said = f"{self._teller} {name} {number} {len(pieces)} {piece}"
            await self._connection.execute(
                sql("SELECT pg_notify(:channel, :said)"), {"channel": _CHANNEL, "said": said}
            )


class Ears:
    """Puts together what the other processes tell."""

    def __init__(self, own: str, heard: Callable[[Heard | None], None]) -> None:
        self._own = own
        self._heard = heard
        self._unfinished: dict[str, list[str]] = {}

    async def listen(self, connection: AsyncConnection) -> None:
        """Listen until the connection breaks: Unavailable, or an error of the database's."""
        await connection.execution_options(isolation_level="AUTOCOMMIT")  # in a transaction nothing is heard
        driver: Any = (await connection.get_raw_connection()).driver_connection
        gone = asyncio.Event()
        driver.add_termination_listener(lambda _connection: gone.set())
        await driver.add_listener(_CHANNEL, lambda _connection, _pid, _channel, said: self.take(said))
        try:
            self._heard(None)
            while not gone.is_set():
                try:
                    await asyncio.wait_for(gone.wait(), _LOOK_S)
                except TimeoutError:
                    async with asyncio.timeout(_LOOK_S):
                        await connection.execute(sql("SELECT 1"))
        except TimeoutError as error:
            raise Unavailable("the database does not answer") from error
        finally:
            await connection.invalidate()  # another would be told what we asked for
        raise Unavailable("the database has broken the connection off")

    def take(self, said: str) -> None:
        """One piece; what is no piece of ours is left out."""
        try:
            teller, name, number, of, piece = said.split(" ", 4)
            pieces = self._unfinished.setdefault(f"{teller} {name}", [])
            if teller == self._own or int(number) != len(pieces):
                del self._unfinished[f"{teller} {name}"]
                return
            pieces.append(piece)
            if len(pieces) == int(of):
                topic, event, data = json.loads("".join(self._unfinished.pop(f"{teller} {name}")))
                self._heard(Heard(str(topic), str(event), data))
        except ValueError:
            return
        while len(self._unfinished) > _MOST_UNFINISHED:
            del self._unfinished[next(iter(self._unfinished))]
