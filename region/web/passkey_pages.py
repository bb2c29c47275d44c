"""Passkeys in the browser: used as the second step, made, and removed."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from region.registry import NotFound
from region.registry.records import WebSession
from region.web.auth import HOME, Halfway, SignedIn, begin_session, device_of
from region.web.context import Region, region_of
from region.web.errors import SecondStepNeeded
from region.web.fields import Number
from region.web.passkeys import MOST_ANSWER, Ceremony, PasskeyRefused, are_possible
from region.web.second_step import new_recovery_codes
from region.web.second_step_pages import second_step_page
from region.web.sign_in import Field, account_page, inside

_log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)
Answer = Annotated[str, Form(max_length=MOST_ANSWER)]


@router.post("/second-step/passkey")
async def use_passkey(request: Request, session: Halfway, answer: Answer, next: Field = "") -> Response:  # noqa: A002
    """A right answer makes a whole session, under a new token; with the session its challenge ends."""
    region, ceremony, name = region_of(request), _ceremony(request, session), session.person.name
    forward = RedirectResponse(inside(next) or HOME[session.person.role], 303)
    if session.whole:
        return forward
    device = await device_of(request, name)
    await region.limits.take_second_step(name, device)
    if not await _is_right(region, ceremony, session, answer):
        async with region.registry.begin() as t:
            await t.audit.add(name, "second_step", "refused", region.clock.wall(), how="passkey")
        return await second_step_page(request, session, inside(next), "web.passkey.wrong", 401)
    await region.limits.second_step_was_right(name, device)
    await begin_session(request, forward, session.person, "passkey", whole=True, vouched=session.vouched)
    return forward


@router.post("/passkeys")
async def make_passkey(
    request: Request, session: Halfway, answer: Answer, name: Field, next: Field = ""  # noqa: A002
) -> Response:  # fmt: skip
    """A new passkey. The first second step of somebody makes a whole session, and shows the recovery codes.

    Whoever has one already has to have given it: a password alone adds nothing to it.
    """
    region, person, recovery = region_of(request), session.person, new_recovery_codes()
    try:
        made = _ceremony(request, session).made(answer)
    except PasskeyRefused as error:
        _log.warning("a new passkey of %s was refused: %s", person.name, error)
        if session.whole:
            return await account_page(request, session, "web.passkey.not_made", 422)
        return await second_step_page(request, session, inside(next), "web.passkey.not_made", 422)
    now = region.clock.wall()
    async with region.registry.begin() as t:
        first = await t.second_steps.begin(person.id, recovery)
        if not first and not session.whole:
            raise SecondStepNeeded
        await t.passkeys.add(person.id, made.credential, made.sign_count, name, now)
        await t.audit.add(person.name, "passkey.add", "made", now, name=name)
    if not first:
        return RedirectResponse("/account", 303)
    forward_to = inside(next) or HOME[person.role]
    response = region.pages.page(request, "web/recovery.html", codes=recovery, forward_to=forward_to)
    await begin_session(request, response, person, "passkey", whole=True, vouched=session.vouched)
    return response


@router.post("/account/passkeys/{passkey_id}/remove")
async def remove_passkey(request: Request, session: SignedIn, passkey_id: Number) -> Response:
    """Forget one's own passkey."""
    region, person = region_of(request), session.person
    async with region.registry.begin() as t:
        name = await t.passkeys.remove(person.id, passkey_id)
        if name is None:
            raise NotFound("no such passkey")
        await t.audit.add(person.name, "passkey.remove", "done", region.clock.wall(), name=name)
    return RedirectResponse("/account", 303)


def _ceremony(request: Request, session: WebSession) -> Ceremony:
    public_url = region_of(request).settings.public_url
    if not are_possible(public_url):
        raise HTTPException(404)
    return Ceremony(public_url, session.csrf)


async def _is_right(region: Region, ceremony: Ceremony, session: WebSession, answer: str) -> bool:
    async with region.registry.begin() as t:
        known = await t.passkeys.of(session.person.id)
        try:
            used = ceremony.used(known, answer)
        except PasskeyRefused as error:
            _log.warning("a passkey of %s was refused: %s", session.person.name, error)
            return False
        if await t.passkeys.use(used.passkey.id, used.sign_count, region.clock.wall()):
            return True
    _log.warning(
        "the passkey %r of %s counts backwards: is there a copy of it?", used.passkey.name, session.person.name
    )
    return False
