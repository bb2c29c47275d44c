"""The enrolment endpoint, RFC 7030 shaped: a small application without sessions or pages, on its own TLS listener."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from cryptography import x509
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from messaging.claim import CLAIM_PATH, ClaimRequest
from messaging.clock import Clock
from messaging.codec import decode, encode
from messaging.diagnostics import DIAGNOSTICS_PATH, MOST_PACKED
from messaging.enrolment import EST_PATH, EnrolmentRefusal
from messaging.envelope import parse_json
from messaging.errors import MessageError
from messaging.moment import CONTENT_TYPE, TIME_PATH
from provisioning.authority import est
from provisioning.authority.enrolment import Enrolment
from provisioning.authority.errors import (
    AuthorityAway,
    AuthorityError,
    AuthorityUnusable,
    CertificateNeeded,
    CodeExpired,
    CodeUsed,
    ForeignCertificate,
    MalformedRequest,
    NotAskedFor,
    OversizedRequest,
    RenewalTooLate,
    StationBarred,
    TooManyTries,
    UnknownKey,
    WrongCode,
)
from provisioning.authority.limiter import GuessLimiter
from provisioning.authority.ports import Signer
from provisioning.authority.renewal import Renewals
from region.doors.peer import shown_certificate
from region.registry import RegistryError
from region.sources import source_of
from region.stations.claims import ClaimService
from region.stations.diagnostics import DiagnosticsService

_log = logging.getLogger(__name__)
_MOST_TIMES, _TIMES_WITHIN_S = 240, 60.0  # for one address: a home whose forty stations get their power back at once
_STATUS: dict[type[AuthorityError], int] = {
    WrongCode: 401, StationBarred: 403, CodeUsed: 409, CodeExpired: 410, OversizedRequest: 413, TooManyTries: 429,
    AuthorityUnusable: 503, AuthorityAway: 503, UnknownKey: 401, CertificateNeeded: 401, ForeignCertificate: 403,
    RenewalTooLate: 410, NotAskedFor: 409,
}  # fmt: skip


def build_est(
    enrolment: Enrolment,
    renewals: Renewals,
    signer: Signer,
    clock: Clock,
    claims: ClaimService | None = None,
    diagnostics: DiagnosticsService | None = None,
) -> Starlette:
    """The application for `--enrol-port`; without `claims` or `diagnostics` nobody can bring those there."""

    async def cacerts(_request: Request) -> Response:
        return await _answer("cacerts", "unknown", signer.chain())

    async def simpleenroll(request: Request) -> Response:
        async def enrol() -> tuple[x509.Certificate, ...]:
            station, code = est.read_credentials(request.headers.get("authorization"))
            certificate = await enrolment.enrol(station, code, est.decode_request(await _body(request)), line)
            _log.info("station %s enrolled", station)
            return (certificate,)

        source, line = _source(request), source_of(_source(request))
        return await _answer("enrolment", source, enrol())

    async def simplereenroll(request: Request) -> Response:
        async def renew() -> tuple[x509.Certificate, ...]:
            return (await renewals.renew(est.decode_request(await _body(request)), _shown(request), line),)

        source, line = _source(request), source_of(_source(request))
        return await _answer("renewal", source, renew())

    async def tell_time(request: Request) -> Response:
        async def tell() -> Response:
            wait_s = times.take(source_of(source), clock.monotonic())
            if wait_s > 0:
                raise TooManyTries(wait_s)
            headers = {"Cache-Control": "no-store"}
            return Response(await signer.tell_time(request.path_params["nonce"]), 200, headers, CONTENT_TYPE)

        source = _source(request)
        return await _told("time", source, tell())

    times = GuessLimiter(_MOST_TIMES, _TIMES_WITHIN_S)
    routes = [
        Route(f"{TIME_PATH}/{{nonce}}", tell_time, methods=["GET"]),
        Route(f"{EST_PATH}/cacerts", cacerts, methods=["GET"]),
        Route(f"{EST_PATH}/simpleenroll", simpleenroll, methods=["POST"]),
        Route(f"{EST_PATH}/simplereenroll", simplereenroll, methods=["POST"]),
    ]
    if claims is not None:
        routes.append(Route(CLAIM_PATH, _claim_route(claims), methods=["POST"]))
    if diagnostics is not None:
        routes.append(Route(f"{DIAGNOSTICS_PATH}/{{cid}}", _diagnostics_route(diagnostics), methods=["POST"]))
    return Starlette(routes=routes)


def _claim_route(claims: ClaimService) -> Callable[[Request], Awaitable[Response]]:
    async def claim(request: Request) -> Response:
        async def ask() -> Response:
            try:
                asked = decode(ClaimRequest, parse_json(await _body(request), est.MAX_BODY))
            except MessageError as error:
                raise MalformedRequest("no claim of ours") from error
            return JSONResponse(encode(await claims.ask(asked, est.decode_request(asked.request.encode()), source)))

        source = _source(request)
        return await _told("claim", source, ask())

    return claim


def _diagnostics_route(diagnostics: DiagnosticsService) -> Callable[[Request], Awaitable[Response]]:
    async def hand_in(request: Request) -> Response:
        async def take() -> Response:
            cid, body = request.path_params["cid"], partial(_body, request, MOST_PACKED)
            station = await diagnostics.take(cid, _shown(request), body)
            _log.info("station %s handed in its diagnostics for %s", station, cid)
            return Response(status_code=200)

        return await _told("diagnostics", _source(request), take())

    return hand_in


def _shown(request: Request) -> x509.Certificate | None:
    shown = shown_certificate(request.scope)
    return None if shown is None else x509.load_pem_x509_certificate(shown.encode())


async def _answer(what: str, source: str, work: Awaitable[tuple[x509.Certificate, ...]]) -> Response:
    async def certificates() -> Response:
        return _certificates(est.encode_certificates(await work))

    return await _told(what, source, certificates())


async def _told(what: str, source: str, work: Awaitable[Response]) -> Response:
    """The answer, or the refusal."""
    try:
        return await work
    except AuthorityError as error:
        _log.warning("%s from %s refused: %s", what, source, error.code)
        return _refusal(error)
    except RegistryError as error:
        _log.error("%s from %s: the registry failed: %s", what, source, error)
        return Response(status_code=503, headers={"Retry-After": "30"})


def _source(request: Request) -> str:
    return request.client.host if request.client else "unknown"


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


async def _body(request: Request, most: int = est.MAX_BODY) -> bytes:
    """The body, read no further than any honest request is long."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise OversizedRequest(f"more than {most} bytes")
    except ClientDisconnect:
        raise MalformedRequest("the caller went away in the middle of the request") from None
    return body
