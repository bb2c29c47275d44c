"""What is asked of the authority's process, and what it answers: one JSON line each way, one question a connection."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from messaging.codec import Length, decode, encode
from messaging.envelope import parse_json
from messaging.errors import MalformedMessage, MessageError
from messaging.moment import Nonce
from messaging.signed import Word
from provisioning.authority import errors
from provisioning.authority.errors import AuthorityAway, AuthorityError, AuthorityUnusable

SOCKET = "authority.sock"
MAX_LINE = 16 * 1024 * 1024  # a revocation list of a whole fleet
_MOST_REVOKED = 200_000
MOST_WORDS = 100  # of the largest kind a line has room for as many


@dataclass(frozen=True)
class Describe:
    """The roots, the intermediates, and what a code file pins."""


@dataclass(frozen=True)
class StationCertificate:
    """A station's certificate. `request` is base64 of PKCS #10, DER."""

    station: Annotated[str, Length(40)]
    request: Annotated[str, Length(8192)]


@dataclass(frozen=True)
class ServerCertificate:
    """A server's certificate, with a new key: for `broker` or `region`."""

    name: Annotated[str, Length(16)]
    hosts: Annotated[tuple[str, ...], Length(32)]


@dataclass(frozen=True)
class ClientCertificate:
    """The certificate of the broker's user `region`, with a new key."""


@dataclass(frozen=True)
class RevocationLists:
    """The revocation lists; `serials` are hexadecimal, and each is revoked since the Unix time in `since`."""

    serials: Annotated[tuple[str, ...], Length(_MOST_REVOKED)] = ()
    since: Annotated[tuple[int, ...], Length(_MOST_REVOKED)] = ()


@dataclass(frozen=True)
class SignWords:
    """Words to stations, dated now, to be signed: `jws`, in their order."""

    words: Annotated[tuple[Word, ...], Length(MOST_WORDS)]


@dataclass(frozen=True)
class TellTime:
    """The time, signed for one question: `jws`."""

    nonce: Nonce


Question = (
    Describe | StationCertificate | ServerCertificate | ClientCertificate | RevocationLists | SignWords | TellTime
)
_QUESTIONS: dict[str, type[Question]] = {
    "describe": Describe, "station": StationCertificate, "server": ServerCertificate, "client": ClientCertificate,
    "revocations": RevocationLists, "sign": SignWords, "time": TellTime,
}  # fmt: skip
_NAMES = {kind: name for name, kind in _QUESTIONS.items()}
_ERRORS: dict[str, type[AuthorityError]] = {
    kind.code: kind
    for kind in (errors.OversizedRequest, errors.MalformedRequest, errors.KeyRefused, errors.TooMuchAsked)
}


def to_line(question: Question) -> bytes:
    """A question as it travels."""
    return json.dumps({"do": _NAMES[type(question)], **encode(question)}).encode() + b"\n"


def from_line(line: bytes) -> Question:
    """Read a question, or raise MessageError."""
    data = parse_json(line, MAX_LINE)
    if not isinstance(data, dict) or not isinstance(data.get("do"), str):
        raise MalformedMessage("expected an object that says what to do")
    kind = _QUESTIONS.get(data.pop("do"))
    if kind is None:
        raise MalformedMessage("a question that is not known")
    return decode(kind, data)


def answer_line(answer: dict[str, Any]) -> bytes:
    """What was asked for, as it travels."""
    return json.dumps({"answer": answer}).encode() + b"\n"


def refusal_line(error: AuthorityError) -> bytes:
    """Why it is not done, as it travels."""
    return json.dumps({"error": error.code, "text": str(error)}).encode() + b"\n"


def read_answer(line: bytes) -> dict[str, Any]:
    """What was asked for; the authority's own AuthorityError, or AuthorityAway when this is no answer."""
    try:
        data = parse_json(line, MAX_LINE)
    except MessageError as error:
        raise AuthorityAway("the authority's process gave no whole answer") from error
    if isinstance(data, dict) and isinstance(data.get("answer"), dict):
        answer: dict[str, Any] = data["answer"]
        return answer
    if isinstance(data, dict) and "error" in data:
        kind = _ERRORS.get(str(data["error"]), AuthorityUnusable)
        raise kind(str(data.get("text", "")))
    raise AuthorityAway("the authority's process gave no answer of ours")
