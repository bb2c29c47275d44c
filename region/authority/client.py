"""Asks the authority's process. Holds no key of the authority's; what it is given for the region's own servers it keeps
no longer than its caller needs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from messaging.signed import Word
from provisioning.authority.ca import Issued
from provisioning.authority.errors import AuthorityAway
from provisioning.authority.ports import Given
from region.authority import wire

_WITHIN_S = 10.0


class AuthorityClient:
    """Fulfils `provisioning.authority.ports.Signer` and `messaging.signed.Signer`.

    Methods raise AuthorityError (AuthorityAway: nobody answers).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def chain(self) -> tuple[x509.Certificate, ...]:
        """The roots, the newest first, and the intermediates."""
        pems = (await self._ask(wire.Describe()))["chain"]
        return tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in pems)

    async def trust_bundle(self) -> bytes:
        """The same, PEM: the broker's `cafile`."""
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in await self.chain())

    async def root_sha256(self) -> str:
        """What a code file pins."""
        return str((await self._ask(wire.Describe()))["root_sha256"])

    async def issue_station(self, station: str, request_der: bytes) -> x509.Certificate:
        """A station's certificate for the key in this request."""
        answer = await self._ask(wire.StationCertificate(station, base64.b64encode(request_der).decode()))
        return x509.load_pem_x509_certificate(str(answer["certificate"]).encode())

    async def issue_server(self, name: str, hosts: Sequence[str]) -> Issued:
        """A certificate and key for the server `broker` or `region`."""
        return _issued(await self._ask(wire.ServerCertificate(name, tuple(hosts))))

    async def issue_client(self) -> Issued:
        """A certificate and key for the broker's user `region`."""
        return _issued(await self._ask(wire.ClientCertificate()))

    async def revocation_lists(self, revoked: Sequence[Given]) -> bytes:
        """The revocation lists that name these certificates, PEM."""
        since = tuple(int(one.revoked if one.revoked is not None else one.issued) for one in revoked)
        answer = await self._ask(wire.RevocationLists(tuple(one.serial for one in revoked), since))
        return str(answer["lists"]).encode()

    async def sign(self, words: Sequence[Word]) -> list[bytes]:
        """The words, signed, in their order; asked for by the hundred."""
        signed: list[bytes] = []
        for first in range(0, len(words), wire.MOST_WORDS):
            batch = tuple(words[first : first + wire.MOST_WORDS])
            answer = (await self._ask(wire.SignWords(batch))).get("jws")
            if not isinstance(answer, list) or len(answer) != len(batch):
                raise AuthorityAway("the authority's process did not sign all that it was asked to")
            signed += [str(jws).encode() for jws in answer]
        return signed

    async def tell_time(self, nonce: str) -> bytes:
        """The time by the authority's clock, signed for this question (`messaging.moment`)."""
        jws = (await self._ask(wire.TellTime(nonce))).get("jws")
        if not isinstance(jws, str):
            raise AuthorityAway("the authority's process does not tell the time: is it older than the region?")
        return jws.encode()

    async def _ask(self, question: wire.Question) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_WITHIN_S):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=wire.MAX_LINE)
                try:
                    writer.write(wire.to_line(question))
                    return wire.read_answer(await reader.readline())
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError, ValueError) as error:
            raise AuthorityAway(
                f"the authority does not answer on {self._path}: {error or 'no answer in time'}"
            ) from error


def _issued(answer: dict[str, Any]) -> Issued:
    return Issued(str(answer["certificate"]).encode(), str(answer["key"]).encode())
