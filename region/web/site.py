"""The site: all subjects' pages in one FastAPI application, behind the guard."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from messaging.version import version
from region.web import problems, sign_in
from region.web.context import Region
from region.web.guard import Surround, guard
from region.web.subject import Subject


def build_site(region: Region, subjects: Iterable[Subject]) -> FastAPI:
    """The application. Every route, also of the API, has the guard before it; the API is told at /api/openapi.json."""
    app = FastAPI(
        title="Lægeknap region", version=version(), openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        dependencies=[Depends(guard)],
    )  # fmt: skip
    app.state.region = region
    app.include_router(sign_in.router)
    for subject in subjects:
        region.pages.add(subject)
        app.include_router(subject.router)
    for name, folder in region.pages.folders.items():
        app.mount(f"/static/{name}", StaticFiles(directory=folder), name=f"static {name}")
    problems.install(app)
    app.add_middleware(Surround, secure=region.settings.secure)
    return app
