"""A claim under way on the station's disk, in `claiming/` of the state directory.

    claiming/key.pem        made before anybody hears of it
    claiming/claim.json     whom to ask, and the code this station made for itself; written last: its presence means
                            that the claim is under way

It stays until the station is enrolled: a code file that holds its code is this station's own.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from messaging.claim import RegionFile
from messaging.codec import Length
from messaging.enrolment import CODE_LENGTH, CODE_LETTERS, CodeFile, HostPort, Sha256, Url
from provisioning.station.documents import document, guarded, load_key, new_key, read_document
from provisioning.station.files import remove, sync_directory, write_whole


@dataclass(frozen=True)
class Claim:
    """What this station asks for. `code` is a secret: never logged, never sent before it is approved."""

    url: Url
    ca_sha256: Sha256
    broker: HostPort
    code: Annotated[str, Length(16)]

    @property
    def region(self) -> RegionFile:
        """Whom it asks."""
        return RegionFile(self.url, self.ca_sha256, self.broker)

    @property
    def code_sha256(self) -> str:
        """What the region is told of the code."""
        return hashlib.sha256(self.code.encode()).hexdigest()

    def approved(self, station: str) -> CodeFile:
        """The code file that this station may write for itself."""
        return CodeFile(self.url, self.ca_sha256, self.code, station, self.broker)

    def __repr__(self) -> str:
        return f"Claim(url={self.url!r}, code=…)"


class ClaimStore:
    """The files of a claim. Methods raise StateUnusable where the disk or its contents are at fault."""

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir
        self._folder = state_dir / "claiming"

    def claim(self) -> Claim | None:
        """The claim under way, or None."""
        with guarded():
            return read_document(self._folder / "claim.json", Claim)

    def key(self) -> ec.EllipticCurvePrivateKey:
        """The key that it is about."""
        return load_key(self._folder / "key.pem")

    def key_pem(self) -> bytes:
        """The same, as it lies on disk."""
        with guarded():
            return (self._folder / "key.pem").read_bytes()

    def begin(self, region: RegionFile) -> Claim:
        """Begin a claim with a new key and code, in place of any other."""
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        claim = Claim(region.url, region.ca_sha256, region.broker, code)
        with guarded():
            self.discard()
            self._dir.mkdir(parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700)
            sync_directory(self._dir)
            write_whole(self._folder / "key.pem", new_key(), 0o600)
            write_whole(self._folder / "claim.json", document(claim), 0o600)
        return claim

    def discard(self) -> None:
        """Drop the claim, its `claim.json` first: what is left after a power cut is nobody's."""
        with guarded():
            if self._folder.exists():
                remove(self._folder / "claim.json")
                shutil.rmtree(self._folder)
                sync_directory(self._dir)


def thumbprint(key: ec.EllipticCurvePrivateKey) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo, hex: the name that the region has for it."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()
