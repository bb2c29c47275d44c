"""The codes of the second step, by an authenticator on a telephone, and those for when it is lost. Pure.

Source: RFC 6238 (TOTP: SHA-1, 6 digits, 30 s, which every authenticator knows), RFC 4226; the address is that of
Google Authenticator's Key Uri Format.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_S = 30
ISSUER = "Lægeknap"
RECOVERY_CODES = 10
_KEY_BYTES = 20  # RFC 4226, R6
_DIGITS = 6
_AROUND = (0, -1, 1)  # a telephone's clock may be a step off (RFC 6238, 5.2)
_CODE = re.compile(rf"[0-9]{{{_DIGITS}}}")


def key_for(session_token: str) -> str:
    """The key that one session may set up, base32: another session of that person's is shown another."""
    mac = hmac.digest(session_token.encode(), b"key of the second step", "sha256")
    return base64.b32encode(mac[:_KEY_BYTES]).decode()


def key_uri(key: str, name: str) -> str:
    """What an authenticator takes the key from: `otpauth://totp/...`."""
    return _totp(key).get_provisioning_uri(name, ISSUER)


def grouped(key: str) -> str:
    """In groups of four, to be typed."""
    return " ".join(key[i : i + 4] for i in range(0, len(key), 4))


def step_of(key: str, typed: str, now: float) -> int | None:
    """The step whose code was typed, at `now` (Unix seconds) or one beside it; None for another code."""
    code = "".join(typed.split())
    if not _CODE.fullmatch(code):
        return None
    totp, here = _totp(key), int(now // STEP_S)
    right = [at for at in (here + beside for beside in _AROUND) if at > 0 and _same(totp, at, code)]
    return right[0] if right else None


def code_at(key: str, now: float) -> str:
    """The code that an authenticator shows at `now`."""
    return _totp(key).generate(now).decode()


def new_recovery_codes() -> tuple[str, ...]:
    """Codes of 80 random bits each, as they are shown: four groups of four."""
    return tuple(grouped(base64.b32encode(secrets.token_bytes(10)).decode()) for _ in range(RECOVERY_CODES))


def recovery_code(typed: str) -> str | None:
    """A recovery code as it was shown, however it was typed; None if it cannot be one."""
    plain = "".join(typed.upper().replace("-", " ").split())
    if len(plain) != 16:
        return None
    try:
        base64.b32decode(plain)
    except (binascii.Error, ValueError):
        return None
    return grouped(plain)


def _totp(key: str) -> TOTP:
    return TOTP(base64.b32decode(key), _DIGITS, SHA1(), STEP_S)  # noqa: S303 - as an HMAC, and what all telephones know


def _same(totp: TOTP, step: int, code: str) -> bool:
    return hmac.compare_digest(totp.generate(step * STEP_S), code.encode())
