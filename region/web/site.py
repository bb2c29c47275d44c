"""The site: all subjects' pages in one FastAPI application, behind the guard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from region.web import api, openapi, passkey_pages, problems, second_step_pages, sign_in, well_known
from region.web.auth import stated
from region.web.context import Region
from region.web.guard import Surround, guard
from region.web.oidc import back_channel
from region.web.oidc import pages as oidc_pages
from region.web.subject import Subject
from region.web.words.en import WORDS


class Site(FastAPI):
    """The application, with a document that says more than FastAPI's own; made when somebody first asks."""

    examples: tuple[object, ...] = api.EXAMPLES

    def openapi(self) -> dict[str, Any]:
        """The API's document."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi.document(every_route(self.routes), self.examples, WORDS)
        return self.openapi_schema


def build_site(region: Region, subjects: Iterable[Subject]) -> Site:
    """The application. Every route, also of the API, has the guard before it; the API is told at /api/openapi.json.

    RuntimeError where a route does not state who may use it.
    """
    app = Site(
        openapi_url=f"{openapi.PREFIX}openapi.json", docs_url=None, redoc_url=None, dependencies=[Depends(guard)],
        redirect_slashes=False,  # a path that is none is not found, and nobody is sent elsewhere with what he asked
    )  # fmt: skip
    app.state.region = region
    app.include_router(sign_in.router)
    app.include_router(oidc_pages.router)
    app.include_router(back_channel.router)
    app.include_router(second_step_pages.router)
    app.include_router(passkey_pages.router)
    app.include_router(api.router)
    app.include_router(well_known.router)
    for subject in subjects:
        region.pages.add(subject)
        app.include_router(subject.router)
        app.examples += subject.examples
    _check_rights(app)
    for name, folder in region.pages.folders.items():
        app.mount(f"/static/{name}", StaticFiles(directory=folder), name=f"static {name}")
    problems.install(app)
    app.add_middleware(Surround, secure=region.settings.secure)
    return app


def every_route(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    """The routes of handlers, wherever they are kept: FastAPI keeps an included router as a branch of its own."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if isinstance(route, APIRoute):
            yield route
        elif inner is not None:
            yield from every_route(inner.routes)


def _check_rights(app: Site) -> None:
    silent = sorted(route.path for route in every_route(app.routes) if stated(route) is None)
    if silent:
        raise RuntimeError(f"nobody has said who may use {', '.join(silent)}: see region/web/rights.py")
