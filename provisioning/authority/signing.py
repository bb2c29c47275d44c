"""The region's voice to its stations: signs words (`messaging.signed`), each dated now, and tells the time
(`messaging.moment`), with a key nobody else has.

The key is made here, lives in this memory and is never written down. Its certificate counts for a week, and from half
of that on, or when the clock has been put back to before it, another one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from messaging import moment, signed
from messaging.clock import Clock
from messaging.errors import MalformedMessage, OversizedMessage
from messaging.moment import Moment
from messaging.signed import CLOCK_TOLERANCE_S, Word
from provisioning.authority.ca import CertificateAuthority
from provisioning.authority.certificates import BACKDATED
from provisioning.authority.errors import MalformedRequest, OversizedRequest


@dataclass(frozen=True)
class _Voice:
    """One certificate with its key, and the headers of what it signs, from `begins` to `half` (Unix seconds)."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    words: bytes
    moments: bytes
    begins: float
    half: float


class WordSigner:
    """Signs for one authority. `on_made` is told each certificate it makes for itself, before it signs."""

    def __init__(
        self,
        authority: CertificateAuthority,
        clock: Clock,
        on_made: Callable[[x509.Certificate], None] = lambda _: None,
    ) -> None:
        self._authority = authority
        self._clock = clock
        self._on_made = on_made
        self._voice: _Voice | None = None

    def sign(self, words: Sequence[Word]) -> list[bytes]:
        """The words, signed, in their order: all of them or, with an AuthorityError, none."""
        now = self._clock.wall()
        if any(abs(word.issued - now) > CLOCK_TOLERANCE_S for word in words):
            raise MalformedRequest("a word is dated when it is signed, and this one is not: do the two clocks agree?")
        voice = self._in_force(now)
        try:
            return [signed.written(word, voice.key, voice.words) for word in words]
        except OversizedMessage as error:
            raise OversizedRequest(f"a word is larger than a station takes: {error}") from error
        except MalformedMessage as error:
            raise MalformedRequest(str(error)) from error

    def tell_time(self, nonce: str) -> bytes:
        """Now, for whoever asked with this nonce; MalformedRequest for what is none, or another AuthorityError."""
        if not moment.NONCE.fullmatch(nonce):
            raise MalformedRequest("not a nonce of ours")
        now = self._clock.wall()
        voice = self._in_force(now)
        return moment.written(Moment(nonce, round(now, 3)), voice.key, voice.moments)

    def _in_force(self, now: float) -> _Voice:
        if self._voice is None or not self._voice.begins <= now - CLOCK_TOLERANCE_S <= now < self._voice.half:
            key, chain = self._authority.issue_signer()
            self._on_made(chain[0])
            begins, ends = chain[0].not_valid_before_utc.timestamp(), chain[0].not_valid_after_utc.timestamp()
            made = begins + BACKDATED.total_seconds()
            headers = signed.header_of(chain), moment.header_of(chain)
            self._voice = _Voice(key, *headers, begins, made + (ends - made) / 2)
        return self._voice
