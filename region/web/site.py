"""The site: all subjects' pages in one FastAPI application, behind the guard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from messaging.version import version
from region.web import problems, second_step_pages, sign_in
from region.web.auth import stated
from region.web.context import Region
from region.web.guard import Surround, guard
from region.web.subject import Subject


def build_site(region: Region, subjects: Iterable[Subject]) -> FastAPI:
    """The application. Every route, also of the API, has the guard before it; the API is told at /api/openapi.json.

    RuntimeError where a route does not state who may use it.
    """
    app = FastAPI(
        title="Lægeknap region", version=version(), openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        dependencies=[Depends(guard)],
    )  # fmt: skip
    app.state.region = region
    app.include_router(sign_in.router)
    app.include_router(second_step_pages.router)
    for subject in subjects:
        region.pages.add(subject)
        app.include_router(subject.router)
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


def _check_rights(app: FastAPI) -> None:
    silent = sorted(route.path for route in every_route(app.routes) if stated(route) is None)
    if silent:
        raise RuntimeError(f"nobody has said who may use {', '.join(silent)}: see region/web/rights.py")
