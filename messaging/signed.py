"""What the region says to one station, so that nobody else can have said it: a signed word.

A word is a JWS (`messaging.jws`) of the type `laegeknap+jws`; its payload is a `Word`. On MQTT it travels in an
envelope: `carry`, `carried`.

The signer's certificate is judged at the moment the word was `issued`, so a word that the broker retains stays good
when its signer has been replaced. What is older than what was taken is for the reader to refuse, by version or id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from messaging import jws
from messaging.codec import Form, Length, Range, decode, encode
from messaging.command import CID, LONGEST_S, CommandType
from messaging.envelope import parse_json
from messaging.errors import ExpiredWord, ForeignWord, MalformedMessage, Unsigned
from messaging.jws import MOST_BYTES, Signed
from messaging.reasons import say
from messaging.topics import STATION_ID

TYPE: Final = "laegeknap+jws"
MOST_CLAIMS = 40 * 1024  # of the payload's JSON, which base64 makes a third longer
CLOCK_TOLERANCE_S = 300.0
_LATEST = 2.0**40

Kind = Literal["desired", "command"]
Cid = Annotated[str, Length(16), Form(re.compile(CID).fullmatch, "expected a command's id")]


@dataclass(frozen=True)
class Word:
    """What is said. Times are Unix seconds. A desired config has a version; a command an id, a type and an end.

    `body` is plain JSON: `{"config": ...}`, or the order's fields. MalformedMessage when it is neither of the two.
    """

    kind: Kind
    station: Annotated[str, Length(40)]
    issued: Annotated[float, Range(0, _LATEST)]
    body: Annotated[dict[str, Any], Length(64)]
    expires: Annotated[float, Range(0, _LATEST)] | None = None
    version: Annotated[int, Range(1, 2**53)] | None = None
    cid: Cid | None = None
    type: CommandType | None = None

    def __post_init__(self) -> None:
        if not STATION_ID.fullmatch(self.station):
            raise MalformedMessage("Word.station: not a station id")
        is_command = self.kind == "command"
        if (self.version is None) is not is_command:
            raise MalformedMessage("Word.version: a desired config has one, and nothing else")
        if {self.cid is not None, self.type is not None} != {is_command}:
            raise MalformedMessage("Word.cid, Word.type: a command has both, and nothing else")
        if is_command and self.expires is None:
            raise MalformedMessage("Word.expires: a command has an end")
        if self.expires is not None and not self.issued < self.expires <= self.issued + LONGEST_S:
            raise MalformedMessage("Word.expires: not within a week after it was issued")


class Signer(Protocol):
    """Whoever signs for the region; AuthorityError when it does not or is away."""

    async def sign(self, words: Sequence[Word]) -> list[bytes]:
        """The words, signed, in their order. They are dated now."""


# --- how it travels ---


def carry(word: bytes) -> dict[str, Any]:
    """An envelope's data for this signed word."""
    return {"jws": word.decode("ascii")}


def carried(data: dict[str, Any]) -> bytes:
    """The word in an envelope's data; Unsigned when there is none, and nothing beside it counts."""
    word = data.get("jws")
    if not isinstance(word, str) or not word.isascii():
        raise Unsigned(say("unsigned"))
    return word.encode("ascii")


# --- signing: pure, save for the signature's own random number ---


def header_of(chain: Sequence[x509.Certificate]) -> bytes:
    """The header of every word of this signer; `chain` as in `jws.header_of`."""
    return jws.header_of(chain, TYPE)


def claims(word: Word) -> bytes:
    """The payload's JSON; OversizedMessage or MalformedMessage when no station would take it."""
    try:
        text = json.dumps(encode(word), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise MalformedMessage("Word.body: not plain JSON") from error
    parse_json(text, MOST_CLAIMS)
    return text


def written(word: Word, key: ec.EllipticCurvePrivateKey, header: bytes) -> bytes:
    """The word, signed with a P-256 key whose certificate is the header's first; errors as of `claims`."""
    return jws.written(header, claims(word), key)


# --- reading ---


def read_word(
    payload: bytes, *, kind: Kind, station: str, roots: Sequence[x509.Certificate], wall: float, clock_trusted: bool
) -> Word:
    """The word of this kind for this station, by a signer below one of `roots`; a MessageError otherwise.

    Unsigned, ForeignWord, AlteredWord and ExpiredWord say what is wrong; none repeats what was sent. A clock that is
    not trusted judges nothing: `expires` and an `issued` in the future are then for the reader to weigh.
    """
    signed = jws.read(payload, TYPE, roots)
    word = decode(Word, parse_json(signed.text, MOST_BYTES))
    if word.kind != kind:
        raise ForeignWord(say("other_purpose"))
    if word.station != station:
        raise ForeignWord(say("other_station"))
    _check_times(word, signed, wall if clock_trusted else None)
    return word


def _check_times(word: Word, signed: Signed, wall: float | None) -> None:
    if not signed.held(word.issued):
        raise ExpiredWord(say("signer_time"))
    if wall is None:
        return
    if word.issued > wall + CLOCK_TOLERANCE_S:
        raise ExpiredWord(say("future"))
    if word.expires is not None and word.expires < wall:
        raise ExpiredWord(say("past"))
