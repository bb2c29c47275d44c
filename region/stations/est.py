"""The enrolment endpoint, RFC 7030 shaped: a small application without sessions or pages, on its own TLS listener."""

from __future__ import annotations

import json
import logging

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from messaging.codec import encode
from messaging.enrolment import EST_PATH, EnrolmentRefusal
from provisioning.authority import est
from provisioning.authority.ca import CertificateAuthority
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.errors import (
    AuthorityError,
    AuthorityUnusable,
    CodeExpired,
    CodeUsed,
    MalformedRequest,
    OversizedRequest,
    StationBarred,
    TooManyTries,
    WrongCode,
)
from region.registry import RegistryError

_log = logging.getLogger(__name__)
_STATUS: dict[type[AuthorityError], int] = {
    WrongCode: 401, StationBarred: 403, CodeUsed: 409, CodeExpired: 410, OversizedRequest: 413, TooManyTries: 429,
    AuthorityUnusable: 503,
}  # fmt: skip


def build_est(enrolment: Enrolment, authority: CertificateAuthority) -> Starlette:
    """The application for `--enrol-port`."""

    async def cacerts(_request: Request) -> Response:
        return _certificates(est.encode_certificates(authority.chain))

    async def simpleenroll(request: Request) -> Response:
        source = request.client.host if request.client else "unknown"
        try:
            station, code = est.read_credentials(request.headers.get("authorization"))
            request_der = est.decode_request(await _body(request))
            certificate = await enrolment.enrol(station, code, request_der, source)
        except AuthorityError as error:
            _log.warning("enrolment from %s refused: %s", source, error.code)
            return _refusal(error)
        except RegistryError as error:
            _log.error("enrolment from %s: the registry failed: %s", source, error)
            return Response(status_code=503, headers={"Retry-After": "30"})
        _log.info("station %s enrolled", station)
        return _certificates(est.encode_certificates([certificate]))

    return Starlette(
        routes=[
            Route(f"{EST_PATH}/cacerts", cacerts, methods=["GET"]),
            Route(f"{EST_PATH}/simpleenroll", simpleenroll, methods=["POST"]),
        ]
    )


def _certificates(body: bytes) -> Response:
    headers = {"Content-Transfer-Encoding": est.TRANSFER_ENCODING, "Content-Type": est.CERTIFICATES_TYPE}
    return Response(body, headers=headers)


def _refusal(error: AuthorityError) -> Response:
    status = _STATUS.get(type(error), 400)
    headers = {"Content-Type": "application/json"}
    if isinstance(error, TooManyTries):
        headers["Retry-After"] = str(int(error.retry_after_s) + 1)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="enrolment"'
    return Response(json.dumps(encode(EnrolmentRefusal(error.code))), status, headers)


async def _body(request: Request) -> bytes:
    """The body, read no further than any honest request is long."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > est.MAX_BODY:
                raise OversizedRequest(f"more than {est.MAX_BODY} bytes")
    except ClientDisconnect:
        raise MalformedRequest("the caller went away in the middle of the request") from None
    return body
