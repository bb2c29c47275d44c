"""The panel's pages and what they may ask for."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import Protocol

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kiosk_ui.panel.access import COOKIE, Access, same_origin
from kiosk_ui.panel.hub import Hub
from kiosk_ui.panel.state import DEVICES, KNOBS, is_real
from kiosk_ui.words import Words
from messaging.local import AgentView
from messaging.twin import Language

_STATIC = {"panel.css": "text/css", "panel.js": "text/javascript", "panel.svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_MOST_KNOB = 40
_FALLBACK: Language = "en"


class Hands(Protocol):
    """What the panel does at its station."""

    @property
    def agent(self) -> AgentView | None:
        """What station-agent said last."""

    def press(self) -> bool:
        """Press the button; False when station-call is away."""

    def simulate(self, knob: str) -> bool:
        """Turn a knob; False when station-call is away."""

    def language(self, fallback: Language) -> Language:
        """The station's language."""


def make_app(station: Hands, hub: Hub, access: Access, hosts: frozenset[str]) -> Starlette:
    """The panel as an ASGI application."""
    panel = _Panel(station, hub, access, hosts)
    routes = [
        Route("/", panel.page),
        Route("/static/{name}", panel.static),
        Route("/events", panel.events),
        Route("/screen.jpg", panel.screen),
        Route("/speaker.pcm", panel.speaker),
        Route("/press", panel.press, methods=["POST"]),
        Route("/simulate/{knob}", panel.simulate, methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_Guard, panel=panel)])


class _Panel:
    def __init__(self, station: Hands, hub: Hub, access: Access, hosts: frozenset[str]) -> None:
        self._station = station
        self._hub = hub
        self._access = access
        self._hosts = hosts

    def refusal(self, request: Request) -> Response | None:
        """Why this request is not answered; None when it is."""
        texts = Words(self._language()).panel
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return _message("421", 421)
        if is_real(self._station.agent):
            return _message(texts.other_hardware, 403)
        if request.method not in ("GET", "HEAD") and not same_origin(request.headers.get("origin"), host):
            return _message("403", 403)
        if request.url.path == "/" or request.url.path.startswith("/static/"):
            return None
        return None if self._access.knows(request.cookies.get(COOKIE, "")) else _message(texts.no_link, 401)

    async def page(self, request: Request) -> Response:
        """The panel itself; the link's token is changed into a cookie and leaves the address."""
        token = request.query_params.get("token", "")
        visit = self._access.visit(request.cookies.get(COOKIE, ""), token)
        texts = Words(self._language()).panel
        if visit == "stranger":
            return _message(texts.no_link, 401)
        if visit == "used":
            return _message(texts.link_used, 410)
        if not token:
            return HTMLResponse(page_html(self._language()))
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(COOKIE, self._access.cookie, httponly=True, samesite="strict")
        return response

    async def static(self, request: Request) -> Response:
        """The style and the script."""
        name = request.path_params["name"]
        if name not in _STATIC:
            raise HTTPException(404)
        return Response(_static(name), media_type=_STATIC[name])

    async def events(self, _request: Request) -> Response:
        """The state, level and screen events."""
        return StreamingResponse(self._hub.events(), media_type="text/event-stream")

    async def screen(self, _request: Request) -> Response:
        """The newest picture of the screen."""
        picture = self._hub.screen()
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/jpeg")

    async def speaker(self, _request: Request) -> Response:
        """What the speaker plays, from now on."""
        return StreamingResponse(self._hub.sound(), media_type="application/octet-stream")

    async def press(self, _request: Request) -> Response:
        """A press of the button; 503 when station-call is away."""
        return _done(self._station.press())

    async def simulate(self, request: Request) -> Response:
        """Something is plugged in or pulled out."""
        knob = request.path_params["knob"]
        if len(knob) > _MOST_KNOB or knob not in KNOBS:
            raise HTTPException(404)
        return _done(self._station.simulate(knob))

    def _language(self) -> Language:
        return self._station.language(_FALLBACK)


class _Guard:
    """Stands before every page: refuses strangers and says to browsers what they may do with what they get."""

    def __init__(self, app: ASGIApp, panel: _Panel) -> None:
        self._app = app
        self._panel = panel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the panel does not speak {scope['type']}")

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refusal = self._panel.refusal(Request(scope))
        await (refusal or self._app)(scope, receive, send_guarded)


def page_html(language: Language) -> str:
    """The panel's page in one language."""
    words = Words(language)
    texts = words.panel
    switches = "\n".join(
        f'<label class="switch"><input type="checkbox" role="switch" data-device="{device}" checked disabled>'
        f"<span>{escape(words.devices[device])}</span></label>"
        for device in DEVICES
    )
    values = {
        "title": texts.title, "lead": texts.lead, "press": texts.press, "screen": texts.screen,
        "no_screen": texts.no_screen, "light": texts.light, "speaker": texts.speaker, "listen": texts.listen,
        "plugged": texts.plugged, "away": texts.away, "language": language,
    }  # fmt: skip
    escaped = {name: escape(text) for name, text in values.items()}
    return Template(_static("panel.html")).substitute(escaped, switches=switches)


def _static(name: str) -> str:
    return (files("kiosk_ui.panel") / "static" / name).read_text(encoding="utf-8")


def _message(text: str, status: int) -> Response:
    return HTMLResponse(f"<!doctype html><meta charset=utf-8><title>Lægeknap</title><p>{escape(text)}</p>", status)


def _done(sent: bool) -> Response:
    return Response(status_code=204 if sent else 503)
