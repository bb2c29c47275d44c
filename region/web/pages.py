"""Pages from templates: Jinja2, always escaping, with the words of the reader's language."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from messaging.clock import Clock
from messaging.twin import Language
from region.registry.records import WebSession
from region.web.subject import Nav, Subject, Words
from region.web.tokens import anonymous_token, visit_of
from region.web.words import LANGUAGES, OWN, Catalogue, Translator, preferred

LANGUAGE_COOKIE = "language"
_FOLDER = Path(__file__).parent


class Pages:
    """Renders `subject/name.html` of any subject. `language` is for readers who have chosen none."""

    def __init__(self, clock: Clock, language: Language | None = None) -> None:
        self._language = language
        self._clock = clock
        self._catalogue = Catalogue()
        self._folders: dict[str, Path] = {}
        self._loaders: dict[str, BaseLoader] = {}
        self._nav: list[Nav] = []
        self._stamps: dict[str, str] = {}
        self._environment = Environment(
            loader=PrefixLoader(self._loaders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["static"] = self._static
        self._add("web", _FOLDER, OWN)

    def add(self, subject: Subject) -> None:
        """Take in a subject's templates, words, static files and entries of the menu."""
        self._add(subject.name, subject.folder, subject.words)
        self._nav.extend(subject.nav)

    def _add(self, name: str, folder: Path, words: Words) -> None:
        self._folders[name] = folder
        self._loaders[name] = FileSystemLoader(folder / "templates")
        self._catalogue.add(words)

    @property
    def folders(self) -> dict[str, Path]:
        """Each subject's `static/`, by name, of those that have one."""
        return {name: path / "static" for name, path in self._folders.items() if (path / "static").is_dir()}

    def language_of(self, request: Request, session: WebSession | None) -> Language:
        """What to speak: the person's choice, the browser's choice, the region's, the browser's wish, English."""
        chosen: str | None = session.person.language if session else None
        chosen = chosen or request.cookies.get(LANGUAGE_COOKIE) or self._language
        for language in LANGUAGES:
            if chosen == language:
                return language
        return preferred(request.headers.get("accept-language", "")) or "en"

    def translator(self, request: Request, session: WebSession | None) -> Translator:
        """The words of this reader's language."""
        return self._catalogue.translator(self.language_of(request, session))

    def has_words(self, key: str) -> bool:
        """Whether there are words for the key."""
        return self._catalogue.has(key)

    def page(
        self, request: Request, template: str, session: WebSession | None = None, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A whole page, or a fragment of one, for whoever asks."""
        language = self.language_of(request, session)
        t = self._catalogue.translator(language)
        csrf = session.csrf if session else anonymous_token(visit_of(request))
        role = session.person.role if session else None
        text = self._environment.get_template(template).render(
            t=t, language=language, session=session, csrf=csrf, path=request.url.path,
            csrf_field=lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(csrf),
            nav=[entry for entry in self._nav if entry.role == role],
            ago=lambda at: ago(self._clock.wall() - at, t), clock_time=clock_time, **values,
        )  # fmt: skip
        return HTMLResponse(text, status)

    def _static(self, name: str) -> str:
        """The address of a static file, with a stamp of its content so that browsers may keep it."""
        if name not in self._stamps:
            subject, _, rest = name.partition("/")
            content = (self._folders[subject] / "static" / rest).read_bytes()
            self._stamps[name] = f"/static/{name}?{hashlib.sha256(content).hexdigest()[:12]}"
        return self._stamps[name]


def ago(seconds: float, t: Translator) -> str:
    """How long ago, in words."""
    if seconds < 60:
        return t("web.ago.now")
    for unit, size, most in (("minutes", 60, 3600), ("hours", 3600, 86_400 * 2), ("days", 86_400, float("inf"))):
        if seconds < most:
            count = int(seconds // size)
            return t(f"web.ago.{unit}.one" if count == 1 else f"web.ago.{unit}", count=count)
    raise AssertionError("the last unit has no end")


def clock_time(at: float | None) -> str:
    """A time as ISO 8601 in UTC, to the second; a script on the page shows it in the reader's zone."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
