"""The region's signer in memory, for every test in which a station is told something, and for those who forge.

signer = SigningKit(clock)                       # an authority of its own; or SigningKit(clock, authority)
(state / "ca.pem").write_bytes(signer.roots_pem)
data = signer.desired(STATION, 3, {"clinic": "A"})   # what an envelope carries; `sealer.seal(data)` is the payload
jws = await signer.sign([word])
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from messaging.clock import Clock
from messaging.codec import decode, encode
from messaging.command import Order, kind_of
from messaging.envelope import parse_json
from messaging.signed import Word, carried, carry, header_of, written
from messaging.twin import Config
from provisioning.authority import certificates, vault
from provisioning.authority.ca import CertificateAuthority, Held
from provisioning.authority.certificates import Issuer
from provisioning.authority.signing import WordSigner

_LASTS = timedelta(days=3650)
_LONG_AGO = timedelta(days=3650)
_DAY = 86_400.0
_NO_USE = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@cache
def _issuers(now: float) -> tuple[Issuer, Issuer, Issuer]:
    """Root, stations, services; made once for all tests of one process, for each costs a key."""
    period = certificates.validity(now, _LASTS, _LONG_AGO)
    root = certificates.root(vault.ROOT_NAME, period)
    stations, services = (
        certificates.intermediate(name, period, root, usages) for name, usages in vault.INTERMEDIATES.values()
    )
    return root, stations, services


def authority_in_memory(clock: Clock) -> CertificateAuthority:
    """An authority without files: the same one for the same time of the clock."""
    root, stations, services = _issuers(clock.wall() // 86_400 * 86_400)
    return CertificateAuthority(Held((root.certificate,), stations, services), clock)


def said(data: object) -> Word:
    """What an envelope's word says; believed without a look at who says it."""
    assert isinstance(data, dict)
    text = carried(data).split(b".")[1]
    return decode(Word, parse_json(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))))


class SigningKit:
    """Fulfils `messaging.signed.Signer`, with hands for tests."""

    def __init__(self, clock: Clock, authority: CertificateAuthority | None = None) -> None:
        self.clock = clock
        self.authority = authority or authority_in_memory(clock)
        self._signer = WordSigner(self.authority, clock)

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """What a station has pinned."""
        return tuple(one for one in self.authority.chain if one.issuer == one.subject)

    @property
    def roots_pem(self) -> bytes:
        """The same, as in a station's `ca.pem`."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in self.roots)

    async def sign(self, words: Sequence[Word]) -> list[bytes]:
        """As the region's own does."""
        return self._signer.sign(words)

    def jws(self, word: Word) -> bytes:
        """One word, signed."""
        return self._signer.sign([word])[0]

    def desired(self, station: str, version: int, config: Config | Mapping[str, Any]) -> dict[str, Any]:
        """A desired config as an envelope carries it."""
        plain = encode(config) if isinstance(config, Config) else dict(config)
        return carry(self.jws(Word("desired", station, self.clock.wall(), {"config": plain}, version=version)))

    def command(self, station: str, cid: str, order: Order, lasts_s: float = 600.0) -> dict[str, Any]:
        """A command as an envelope carries it."""
        now = self.clock.wall()
        word = Word("command", station, now, encode(order), now + lasts_s, cid=cid, type=kind_of(order))
        return carry(self.jws(word))


class Forger:
    """A signer under any authority, with any certificate; as it comes, one that stations believe."""

    def __init__(
        self, clock: Clock, issuer: Issuer, usages: Sequence[x509.ObjectIdentifier] = (certificates.SIGNING,), *,
        key: ec.EllipticCurvePrivateKey | None = None, begins: float | None = None, ends: float | None = None,
        ca: bool = False, digital_signature: bool = True, extension: x509.ExtensionType | None = None,
    ) -> None:  # fmt: skip
        self.key = key or certificates.new_key()
        from_, until = (
            int(at if at is not None else clock.wall() + day) for at, day in ((begins, -_DAY), (ends, _DAY))
        )
        use = dict.fromkeys(_NO_USE, False) | {"digital_signature": digital_signature, "key_agreement": True}
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a forger")]))
            .issuer_name(issuer.certificate.subject).public_key(self.key.public_key()).serial_number(7)
            .not_valid_before(datetime.fromtimestamp(from_, UTC)).not_valid_after(datetime.fromtimestamp(until, UTC))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**use), critical=True)
        )  # fmt: skip
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if extension is not None:
            builder = builder.add_extension(extension, critical=True)
        self.certificate = builder.sign(issuer.key, hashes.SHA256())
        self.chain: tuple[x509.Certificate, ...] = (self.certificate, issuer.certificate)

    def jws(self, word: Word) -> bytes:
        """A word, signed with this key."""
        return written(word, self.key, header_of(self.chain))
