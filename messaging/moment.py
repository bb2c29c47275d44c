"""The time, as the region's authority tells it to whoever asks: signed, and for one question alone.

A station asks with a nonce of its own making, and holds the answer (a JWS, `messaging.jws`, of a type that is no
word's) to that nonce and to the roots it has pinned. So it needs no clock to know that the answer is the authority's
and newer than the question: who stands in between, or runs the web server, can only keep it from coming. The chain is
judged at the very moment that is told: an old signer's key can tell no time but its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from messaging import jws
from messaging.codec import Form, Length, Range, decode, encode
from messaging.enrolment import EST_PATH
from messaging.envelope import parse_json
from messaging.errors import ExpiredWord, ForeignWord

TYPE: Final = "laegeknap-time+jws"
TIME_PATH: Final = f"{EST_PATH}/time"  # GET, below the region's enrolment address, with the nonce after a slash
CONTENT_TYPE: Final = "application/jose"
NONCE: Final = re.compile(r"[0-9a-f]{32}")
_MOST_CLAIMS = 256
_LATEST = 2.0**40

Nonce = Annotated[str, Length(32), Form(NONCE.fullmatch, "expected 32 hexadecimal digits")]


@dataclass(frozen=True)
class Moment:
    """`at` (Unix seconds): now, while the question with this nonce was being answered."""

    nonce: Nonce
    at: Annotated[float, Range(0, _LATEST)]


def header_of(chain: Sequence[x509.Certificate]) -> bytes:
    """The header of every moment of this signer; `chain` as in `jws.header_of`."""
    return jws.header_of(chain, TYPE)


def written(moment: Moment, key: ec.EllipticCurvePrivateKey, header: bytes) -> bytes:
    """The moment, signed."""
    return jws.written(header, json.dumps(encode(moment), separators=(",", ":")).encode(), key)


def read_moment(payload: bytes, *, nonce: str, roots: Sequence[x509.Certificate]) -> float:
    """The time that answers this question, Unix seconds, by a signer below one of `roots`; a MessageError otherwise."""
    signed = jws.read(payload, TYPE, roots)
    moment = decode(Moment, parse_json(signed.text, _MOST_CLAIMS))
    if moment.nonce != nonce:
        raise ForeignWord("the answer to another question")
    if not signed.held(moment.at):
        raise ExpiredWord("a time at which its own signer's certificate does not count")
    return moment.at
