"""The API's document (OpenAPI 3.1), made of the routes themselves: nothing in it is written twice.

FastAPI tells paths, parameters and types. Added here, from what the house holds already: whose an operation is (the
right that its handler states), how it refuses (RFC 9457), an example of each type (the instances in the subjects'
`examples`), and what it does (the handler's docstring).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from messaging.version import version
from region.web.auth import stated
from region.web.guard import SAFE
from region.web.problems import TYPE as PROBLEM_TYPE
from region.web.problems import Problem
from region.web.rights import Right

PREFIX = "/api/"
_DESCRIPTION = """\
What the console does, for scripts. Every text is Unicode. Times are RFC 3339: told in UTC
(`2026-11-22T02:00:00.000Z`), taken with any offset (`2026-11-22T03:00:00+01:00`), and refused without one.

A script comes with an API token: `Authorization: Bearer vs_...`. IT makes one at `/people/tokens`, or by `region token
add`. People, tokens and second steps are managed by people alone, in a session: `region link NAME` prints a link that
signs in once; opened with a client that keeps cookies, it is one. Whoever has a second step gives its code at
`/second-step`. In a session every request but GET carries its own token, `csrf` of `GET /api/session`, in the header
`X-CSRF-Token`.

Refusals are `application/problem+json` (RFC 9457) with a stable `code`; nothing has been changed then. A body over
96 KiB is refused, save where another measure is told.
"""
# By status: the name of the response, what it means, and the code of its example.
_REFUSALS: dict[int, tuple[str, str, str]] = {
    400: ("Unreadable", "The body cannot be read at all.", "bad_request"),
    401: ("NotSignedIn", "Nobody is signed in; the second step is still to come (`second_step_needed`); or the API "
          "token opens nothing (`token_refused`).", "not_signed_in"),
    403: ("NotAllowed", "It is another role's; the session's token is missing or old (`bad_token`); or it is not for "
          "API tokens (`for_people`), or not for this one (`reads_only`).", "not_allowed"),
    404: ("NotFound", "What it is about is not there, or not in one's own places.", "not_found"),
    409: ("Conflict", "It does not fit what is there; look again.", "conflict"),
    413: ("TooLarge", "The body is too large.", "too_large"),
    422: ("Invalid", "A value cannot be; `detail` says which, and why.", "invalid"),
    429: ("TooManyTries", "Too many wrong API tokens from one address; again after `Retry-After`.", "too_many_tries"),
    503: ("Unavailable", "The database or the broker (`no_broker`) does not answer; again after `Retry-After`.",
          "unavailable"),
}  # fmt: skip


def is_api(route: APIRoute) -> bool:
    """Whether the document tells of it."""
    return route.path.startswith(PREFIX) and route.include_in_schema


def document(routes: Iterable[APIRoute], examples: Iterable[object], words: Mapping[str, str]) -> dict[str, Any]:
    """The document. `examples` are instances of the types that bodies hold, `words` the English ones of the pages."""
    told = [route for route in routes if is_api(route)]
    made: dict[str, Any] = get_openapi(
        title="Lægeknap region", version=version(), description=_DESCRIPTION, routes=told,
        servers=[{"url": "/"}], license_info={"name": "MPL-2.0", "identifier": "MPL-2.0"},
    )  # fmt: skip
    by_type = {type(one).__name__: _plain(one) for one in examples}
    for route in told:
        for method in route.methods or ():
            _complete(made["paths"][route.path][method.lower()], route, method, by_type)
    components = made["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"]["Problem"] = TypeAdapter(Problem).json_schema()
    components["responses"] = {name: _refusal(status, words) for status, (name, _, _) in _REFUSALS.items()}
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "vs_...",
                  "description": "An API token: no cookie, no session, no `X-CSRF-Token`."},
        "session": {"type": "apiKey", "in": "cookie", "name": "session",
                    "description": "The cookie of a session; `__Host-session` where the region is reached by HTTPS."},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token",
                 "description": "`csrf` of `GET /api/session`."},
    }  # fmt: skip
    return made


def _complete(operation: dict[str, Any], route: APIRoute, method: str, examples: Mapping[str, Any]) -> None:
    right = stated(route)
    roles = None if right is None else right.roles
    operation["operationId"] = route.name
    first, _, rest = (route.description or "").partition("\n\n")
    operation["summary"] = " ".join(first.split()).rstrip(".")
    if rest:
        operation["description"] = rest
    else:
        operation.pop("description", None)
    if right is not None:
        operation["x-right"] = right.name
        operation["x-roles"] = ["anybody"] if roles is None else sorted(roles)
    operation["security"] = [] if right is None or roles is None else list(_ways_in(right, method))
    for content in _contents(operation):
        example = _example(content.get("schema", {}), examples)
        if example is not None and "example" not in content:
            content["example"] = example
    answers = operation["responses"]
    answers.pop("422", None)
    for status in sorted(_statuses(operation, method, open_to_all=roles is None)):
        answers[str(status)] = {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}


def _ways_in(right: Right, method: str) -> Iterable[dict[str, list[str]]]:
    if not right.in_person:
        yield {"token": []}
    yield {"session": [], **({} if method in SAFE else {"csrf": []})}


def _statuses(operation: Mapping[str, Any], method: str, *, open_to_all: bool) -> set[int]:
    """How this operation can refuse."""
    found = {503} if open_to_all else {401, 403, 429, 503}
    if "parameters" in operation:
        found |= {404, 422}
    if method not in SAFE:
        found |= {403, 404, 409, 422}
    if "requestBody" in operation:
        found |= {400, 413}
    return found


def _contents(operation: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from holder.get("content", {}).values()


def _example(schema: Mapping[str, Any], examples: Mapping[str, Any]) -> Any:
    """Of the type it holds, or of a list of those; None: there is none."""
    if "items" in schema:
        one = _example(schema["items"], examples)
        return None if one is None else [one]
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return examples.get(name.removesuffix("-Input").removesuffix("-Output"))


def _refusal(status: int, words: Mapping[str, str]) -> dict[str, Any]:
    _, text, code = _REFUSALS[status]
    title = words.get(f"web.error.{code}", words["web.error.other"])
    example = _plain(Problem(title, status, code, "volume: not between 0 and 100" if status == 422 else ""))
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {PROBLEM_TYPE: {"schema": schema, "example": example}}}


def _plain(one: object) -> Any:
    return TypeAdapter(type(one)).dump_python(one, mode="json", exclude_none=False)


def operations(made: Mapping[str, Any]) -> Sequence[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of each, in the document's order."""
    return [
        (method.upper(), path, operation)
        for path, methods in made["paths"].items()
        for method, operation in methods.items()
    ]
