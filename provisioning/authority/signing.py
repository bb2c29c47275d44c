"""The region's voice to its stations: signs words (`messaging.signed`), each dated now, with a key nobody else has.

The key is made here, lives in this memory and is never written down. Its certificate counts for a week, and from half
of that on, or when the clock has been put back to before it, another one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from messaging import signed
from messaging.clock import Clock
from messaging.errors import MalformedMessage, OversizedMessage
from messaging.signed import CLOCK_TOLERANCE_S, Word
from provisioning.authority.ca import CertificateAuthority
from provisioning.authority.certificates import BACKDATED
from provisioning.authority.errors import MalformedRequest, OversizedRequest


@dataclass(frozen=True)
class _Voice:
    """One certificate with its key, and the header of its words; `begins` to `half` (Unix seconds) it signs."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    header: bytes
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
            return [signed.written(word, voice.key, voice.header) for word in words]
        except OversizedMessage as error:
            raise OversizedRequest(f"a word is larger than a station takes: {error}") from error
        except MalformedMessage as error:
            raise MalformedRequest(str(error)) from error

    def _in_force(self, now: float) -> _Voice:
        if self._voice is None or not self._voice.begins <= now - CLOCK_TOLERANCE_S <= now < self._voice.half:
            key, chain = self._authority.issue_signer()
            self._on_made(chain[0])
            begins, ends = chain[0].not_valid_before_utc.timestamp(), chain[0].not_valid_after_utc.timestamp()
            made = begins + BACKDATED.total_seconds()
            self._voice = _Voice(key, signed.header_of(chain), begins, made + (ends - made) / 2)
        return self._voice
