"""The error tree of the authority; drawn in `provisioning/authority/__init__.py`."""

from __future__ import annotations


class AuthorityError(Exception):
    """The authority does not do what was asked. `code` is a stable word."""

    code = "authority"


class AuthorityUnusable(AuthorityError):
    """The authority's directory is damaged, foreign or cannot be written."""

    code = "authority_unusable"


class AuthorityAway(AuthorityError):
    """The process that holds the keys does not answer; it is started again by itself."""

    code = "authority_away"


class WrongPassphrase(AuthorityError):
    """The passphrase does not open this file."""

    code = "wrong_passphrase"


class RequestRefused(AuthorityError):
    """What was sent is no certificate request that we take."""

    code = "request_refused"


class OversizedRequest(RequestRefused):
    """Larger than any honest request."""

    code = "oversized_request"


class MalformedRequest(RequestRefused):
    """Not base64 DER PKCS #10, or credentials that are not HTTP Basic."""

    code = "malformed_request"


class KeyRefused(RequestRefused):
    """Not an EC P-256 key, or the request is not signed with it."""

    code = "key_refused"


class TooMuchAsked(RequestRefused):
    """The request asks for extensions or other attributes."""

    code = "too_much_asked"


class EnrolmentRefused(AuthorityError):
    """The request is sound, but this station does not get what it asks for."""

    code = "enrolment_refused"


class WrongCode(EnrolmentRefused):
    """No such station, no code waiting for it, or another code."""

    code = "wrong_code"


class CodeExpired(EnrolmentRefused):
    """The right code, too late."""

    code = "code_expired"


class CodeUsed(EnrolmentRefused):
    """The right code, already used with another key."""

    code = "code_used"


class StationBarred(EnrolmentRefused):
    """The registry has shut the station out, or the certificate."""

    code = "station_barred"


class UnknownKey(EnrolmentRefused):
    """No station was ever given a certificate for this key."""

    code = "unknown_key"


class CertificateNeeded(EnrolmentRefused):
    """The key is known and its certificate valid, but the connection did not show it."""

    code = "certificate_needed"


class ForeignCertificate(EnrolmentRefused):
    """The connection shows the certificate of another key than the request's."""

    code = "foreign_certificate"


class NotAskedFor(EnrolmentRefused):
    """Nobody has asked this station for what it hands in."""

    code = "not_asked_for"


class RenewalTooLate(EnrolmentRefused):
    """The last certificate expired so long ago that only a new code helps."""

    code = "renewal_too_late"


class TooManyTries(EnrolmentRefused):
    """Too many wrong codes from this source; come again after `retry_after_s` seconds."""

    code = "too_many_tries"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many tries; again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s
