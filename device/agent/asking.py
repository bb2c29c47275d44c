"""One question to a process of this station, for commands that end: connect, read its view, perhaps send, go."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from messaging.errors import MessageError
from messaging.local import MAX_LINE, Message, from_line, to_line

_SILENCE_S = 1.0


class Conversation:
    """A connection to one process's socket; OSError when nobody listens."""

    def __init__(self, path: Path, within_s: float) -> None:
        self._until = time.monotonic() + within_s
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(within_s)
        self._received = b""
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def send(self, message: Message) -> None:
        """Say something."""
        self._socket.sendall(to_line(message))

    def messages(self) -> Iterator[Message | None]:
        """What it says, until the time is over or it goes away; None after each second of silence.

        What is no message is passed over.
        """
        while (line := self._line()) is not None:
            with contextlib.suppress(MessageError):
                yield from_line(line) if line else None

    def _line(self) -> bytes | None:
        while b"\n" not in self._received:
            left = self._until - time.monotonic()
            if left <= 0 or len(self._received) > MAX_LINE:
                return None
            self._socket.settimeout(min(left, _SILENCE_S))
            try:
                chunk = self._socket.recv(MAX_LINE)
            except TimeoutError:
                return b""
            except OSError:
                return None
            if not chunk:
                return None
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line


def first(path: Path, kind: type[Message], within_s: float) -> Message | None:
    """The first message of a kind that the process behind this socket sends; None when it does not answer."""
    try:
        with Conversation(path, within_s) as conversation:
            return next((one for one in conversation.messages() if isinstance(one, kind)), None)
    except OSError:
        return None
