"""Under which client ids a station's processes come to the broker: known to it and to its region, and to nobody else.

A broker gives a session to whoever names its client id, whatever their certificate. So a station's holds something of
its public key, which no other station ever sees; the key's thumbprint, which a screen may show, does not give it away.
"""

from __future__ import annotations

import hashlib
import re

_FORM = re.compile(r"(?P<station>[a-z0-9-]+)-[a-z]+-[0-9a-f]{32}")


def client_id(station: str, process: str, public_key: bytes) -> str:
    """For that process of a station with that key (SubjectPublicKeyInfo, DER)."""
    return f"{station}-{process}-{hashlib.sha256(b'client id ' + public_key).hexdigest()[:32]}"


def is_one_of(station: str, text: str) -> bool:
    """Whether a process of that station may come under that client id; of which key it is, only the region knows."""
    found = _FORM.fullmatch(text)
    return found is not None and found["station"] == station
