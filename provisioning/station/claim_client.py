"""How a station asks to be claimed: one POST, over TLS that is held to the root its region file pins."""

from __future__ import annotations

import json
import ssl

from cryptography.hazmat.primitives.asymmetric import ec

from messaging.claim import ClaimAnswer, ClaimRequest
from messaging.codec import decode, encode
from messaging.envelope import parse_json
from messaging.errors import MessageError
from provisioning.station import region_client
from provisioning.station.errors import BadAnswer
from provisioning.station.region_client import Trust

_HEADERS = {"Content-Type": "application/json"}
_NOBODY = "unclaimed"  # the name comes from the registry; it does not look at this one


async def claim(url: str, trust: Trust, key: ec.EllipticCurvePrivateKey, code_sha256: str, serial: str) -> ClaimAnswer:
    """What the region says to this key; EnrolmentFailed where it says nothing of use."""
    context = ssl.create_default_context(cadata=trust.root_pem.decode())
    request = ClaimRequest(region_client.request(_NOBODY, key).decode(), code_sha256, serial)
    answer = await region_client.ask(url, context, "POST", "/claim", _HEADERS, json.dumps(encode(request)).encode())
    try:
        return decode(ClaimAnswer, parse_json(answer))
    except MessageError as error:
        raise BadAnswer(f"the region's answer to a claim cannot be used: {error}") from error
