"""Errors as people and scripts get them: a page for a browser, `application/problem+json` (RFC 9457) for the rest."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from messaging.errors import MessageError
from messaging.link.port import LinkError
from region.registry import Conflict, Invalid, NotFound, RegistryError
from region.web.context import region_of
from region.web.errors import NotSignedIn, SecondStepNeeded, TokenRefused, TooManyTries, WebError

_log = logging.getLogger(__name__)
_REGISTRY: dict[type[RegistryError], tuple[int, str]] = {
    NotFound: (404, "not_found"), Conflict: (409, "conflict"), Invalid: (422, "invalid"),
}  # fmt: skip
TYPE = "application/problem+json"
_DOORS: dict[type[Exception], str] = {NotSignedIn: "/sign-in", SecondStepNeeded: "/second-step"}


@dataclass(frozen=True)
class Problem:
    """An error (RFC 9457). `code` is a stable word to decide by; `title` and `detail` are for people."""

    title: str
    status: int
    code: str
    detail: str
    type: Literal["about:blank"] = "about:blank"


def wants_page(request: Request) -> bool:
    """Whether a person reads the answer."""
    return "text/html" in request.headers.get("accept", "")


def problem(
    request: Request, status: int, code: str, detail: str = "", headers: dict[str, str] | None = None
) -> Response:
    """One error. `code` is a stable word; `detail` is safe to show to whoever asked."""
    region = region_of(request)
    session = getattr(request.state, "session", None)
    t = region.pages.translator(request, session)
    key = f"web.error.{code}"
    title = t(key if region.pages.has_words(key) else "web.error.other")
    if wants_page(request):
        response: Response = region.pages.page(
            request, "web/problem.html", session, status, title=title, detail=detail, number=status
        )
        response.headers.update(headers or {})
        return response
    return JSONResponse(asdict(Problem(title, status, code, detail)), status, headers, TYPE)


def install(app: FastAPI) -> None:
    """Register a handler for each kind of error."""
    app.add_exception_handler(WebError, _web)
    app.add_exception_handler(RegistryError, _registry)
    app.add_exception_handler(MessageError, _message)
    app.add_exception_handler(LinkError, _link)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _web(request: Request, error: Exception) -> Response:
    if not isinstance(error, WebError):
        raise error
    door = _DOORS.get(type(error))
    if door is not None and wants_page(request) and request.method == "GET":
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{door}?next={quote(path)}", 303)
    headers = {}
    if isinstance(error, TooManyTries):
        headers["Retry-After"] = str(int(error.retry_after_s) + 1)
    if isinstance(error, TokenRefused):
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'  # RFC 6750, 3
    return problem(request, error.status, error.code, error.detail, headers)


async def _registry(request: Request, error: Exception) -> Response:
    for kind, (status, code) in _REGISTRY.items():
        if isinstance(error, kind):
            return problem(request, status, code, str(error))
    _log.error("the registry failed at %s: %s", request.url.path, error)
    return problem(request, 503, "unavailable", headers={"Retry-After": "5"})


async def _message(request: Request, error: Exception) -> Response:
    return problem(request, 422, "invalid", str(error))


async def _link(request: Request, error: Exception) -> Response:
    _log.warning("a message to a station was not sent: %s", error)
    return problem(request, 503, "no_broker", headers={"Retry-After": "5"})


async def _validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    where = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()[:5])
    return problem(request, 422, "invalid", where)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = {400: "bad_request", 404: "not_found", 405: "wrong_method", 413: "too_large"}.get(error.status_code, "other")
    return problem(request, error.status_code, code, headers=dict(error.headers or {}))


async def _unforeseen(request: Request, error: Exception) -> Response:
    # Starlette raises it again after this answer, so the server's log has the trace.
    # The path as the router has it: what stands in its place may be a one-time link.
    _log.error("unforeseen at %s: %s", getattr(request.scope.get("route"), "path", "?"), type(error).__name__)
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal")
