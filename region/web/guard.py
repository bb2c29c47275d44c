"""Before every handler: the CSRF token and the Origin of unsafe methods. Around them all: headers and limits."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from region.web import rights, tokens
from region.web.auth import stated, visitor
from region.web.bearer import bearer
from region.web.context import region_of
from region.web.errors import BadToken, ReadsOnly

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_BODY = 96 * 1024  # an SDP of 32 KiB, escaped as JSON, and its wrapping
TABLES = "/api/tables/"  # where whole tables are taken in, read after it is known who brings them
TABLES_PAGE = "/tables"  # the same at a browser
MOST_TABLE = 4 * 1024 * 1024
LOGOUTS = "/sign-out/region/told"  # where the provider of the region's sign-in says that somebody is signed out there
MOST_LOGOUT = 16 * 1024
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

_POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", "font-src 'self'",
        "connect-src 'self'", "media-src 'self' blob:", "form-action 'self'", "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)  # fmt: skip
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers then send `Origin: null` with forms, and the Origin check needs the real one.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), display-capture=(), payment=(), usb=()",
}


async def guard(request: Request) -> None:
    """Refuse an unsafe request that another site may have made (BadToken), or a token that may not (ReadsOnly)."""
    if request.method in SAFE or _is_signed(request):
        return
    if bearer(request) is not None:
        await _check_script(request)
        return
    if not _from_here(request):
        raise BadToken("the request comes from another site")
    session = await visitor(request)
    visit = tokens.read_cookie(request, tokens.VISIT)
    if session is not None:
        expected = session.csrf
    elif visit is not None:
        expected = tokens.anonymous_token(visit)
    else:
        raise BadToken("no cookie of ours came with the request")
    if not tokens.same(await _sent(request, known=session is not None), expected):
        await request.close()  # and the files that came with it
        raise BadToken("the token of the form is missing or old")


def _is_signed(request: Request) -> bool:
    route = request.scope.get("route")
    return isinstance(route, APIRoute) and stated(route) is rights.SIGNED


async def _check_script(request: Request) -> None:
    """No browser sends a bearer token by itself, as it does a cookie: there is no other site to fear."""
    session = await visitor(request)
    if session is not None and session.token is not None and session.token.reads_only:
        raise ReadsOnly


def _from_here(request: Request) -> bool:
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    public = urlsplit(region_of(request).settings.public_url)
    here = {f"{public.scheme}://{public.netloc}", f"{request.url.scheme}://{request.headers.get('host', '')}"}
    return origin in here


async def _sent(request: Request, *, known: bool) -> str:
    header = request.headers.get("x-csrf-token")
    if header is not None:
        return header
    if request.headers.get("content-type", "").startswith(_FORMS):
        if request.url.path == TABLES_PAGE and not known:
            return ""  # so large a form is read of nobody whom we do not know
        value = (await request.form()).get("csrf")
        return value if isinstance(value, str) else ""
    return ""


class Surround:
    """ASGI middleware: security headers, no caching of pages, the cookie of a visit, and a limit on bodies."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self._app = app
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers added and the body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_surrounded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(scope, MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, _counted(receive, _most(str(scope["path"]))), send_surrounded)

    def _add_headers(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers[name] = value
        if self._secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if not str(scope["path"]).startswith("/static/"):
            headers["Cache-Control"] = "no-store"
        elif scope["query_string"]:
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
        else:  # a script that another one imports: asked for again each time, so that all are of one version
            headers["Cache-Control"] = "no-cache"


def _most(path: str) -> int:
    if path.startswith(TABLES) or path == TABLES_PAGE:
        return MOST_TABLE
    return MOST_LOGOUT if path == LOGOUTS else MOST_BODY


def _counted(receive: Receive, most: int) -> Receive:
    taken = 0

    async def receive_counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413)  # the one kind of error that FastAPI lets through while it reads a body
        return message

    return receive_counted
