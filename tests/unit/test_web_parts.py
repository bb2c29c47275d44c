"""Words, live updates, TURN credentials, passwords: the small parts that pages share."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import string
from importlib import import_module
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from region.errors import Usage
from region.registry import Invalid
from region.serving.options import ServeOptions
from region.web.events import KEEP_ALIVE_S, MOST_WAITING, Hub, Lease, encode_event
from region.web.forms import choice
from region.web.passwords import Passwords
from region.web.turn import LIVES_S, TurnSettings, ice_servers
from region.web.words import OWN, preferred
from tests.kits.clock import ManualClock

CATALOGUES = {"web": OWN} | {
    name: import_module(f"region.{name}.words").WORDS for name in ("stations", "fleet", "desk", "evaluation", "people")
}  # fmt: skip


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", CATALOGUES)
def test_both_languages_say_the_same_things(name: str) -> None:
    english, danish = CATALOGUES[name]["en"], CATALOGUES[name]["da"]
    assert english.keys() == danish.keys()
    for key, text in english.items():
        assert key.startswith((f"{name}.", "web.audit.value.")), key  # what a subject writes into the log is told in it
        assert text.strip(), key
        assert danish[key].strip(), key
        assert _values(text) == _values(danish[key]), key


@pytest.mark.parametrize(
    ("header", "language"),
    [("da", "da"), ("da-DK,da;q=0.9,en-US;q=0.8", "da"), ("en;q=0.5,da;q=0.4", "en"), ("nb,sv", None), ("", None),
     ("da;q=0,en", "en"), ("*", None), ("da;q=high", None)],
)  # fmt: skip
def test_the_browsers_wish_is_read(header: str, language: str | None) -> None:
    assert preferred(header) == language


@given(st.text(max_size=300))
def test_no_wish_of_a_browser_is_an_error(header: str) -> None:
    assert preferred(header) in (None, "da", "en")


@given(st.text(max_size=200))
def test_an_event_cannot_break_out_of_its_lines(text: str) -> None:
    chunk = encode_event("calls", text)
    assert chunk.startswith("event: calls\ndata: ")
    assert chunk.endswith("\n\n")
    assert all(line.startswith(("event: ", "data: ")) for line in chunk[:-2].split("\n"))


async def test_those_who_listen_hear_and_others_do_not() -> None:
    hub = Hub(ManualClock())
    mine, other = hub.stream(["clinic:1"]), hub.stream(["clinic:2"], first=[encode_event("calls", [1])])
    assert await anext(mine) == ": listening\n\n"
    assert await anext(other) == ": listening\n\nevent: calls\ndata: [1]\n\n"
    hub.publish("clinic:1", "ring", {"call": "c1"})
    assert await anext(mine) == 'event: ring\ndata: {"call":"c1"}\n\n'
    assert (hub.listeners("clinic:1"), hub.listeners("clinic:2")) == (1, 1)
    hub.close()
    assert [chunk async for chunk in other] == []
    await mine.aclose()
    assert hub.listeners("clinic:1") == 0


async def test_a_page_too_slow_is_told_to_fetch_everything_again() -> None:
    hub = Hub(ManualClock())
    slow = hub.stream(["fleet"])
    await anext(slow)
    for number in range(MOST_WAITING + 3):
        hub.publish("fleet", "fleet", str(number))
    chunk = await anext(slow)
    assert chunk.startswith("event: resync\n")
    assert chunk.count("event: fleet") == 2
    await slow.aclose()


async def test_a_quiet_stream_is_kept_open_and_ends_with_its_session() -> None:
    clock, signed_in = ManualClock(), True

    async def alive() -> bool:
        return signed_in

    hub = Hub(clock)
    stream = hub.stream(["fleet"], Lease(alive))
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream))
    await clock.advance(KEEP_ALIVE_S)
    assert await waiting == ": still here\n\n"
    signed_in = False
    rest = asyncio.ensure_future(anext(stream))
    await clock.advance(KEEP_ALIVE_S)
    assert (await rest).startswith("event: signed_out\n")
    assert [chunk async for chunk in stream] == []


async def test_a_page_that_goes_while_it_is_asked_about_does_not_cut_the_asking_off() -> None:
    """Cut off, it left a connection to the database open."""
    clock, asked, answer, through = ManualClock(), asyncio.Event(), asyncio.Event(), []

    async def holds() -> bool:
        asked.set()
        await answer.wait()
        through.append("asked")
        return True

    hub = Hub(clock)
    stream = hub.stream(["fleet"], Lease(holds))
    await anext(stream)
    await clock.advance(KEEP_ALIVE_S)
    await asked.wait()
    await stream.aclose()
    answer.set()
    await hub.settled()
    assert through == ["asked"]


async def test_a_stream_whose_session_was_ended_ends_at_once_and_its_subject_is_told_once() -> None:
    signed_in, asked, lost = {"anna", "bo"}, 0, []

    def lease(who: str) -> Lease:
        async def holds() -> bool:
            nonlocal asked
            asked += 1
            return who in signed_in

        async def gone() -> None:
            lost.append((who, hub.listeners(f"page:{who}")))

        return Lease(holds, who, gone)

    hub, left = Hub(ManualClock()), []
    hub.when_left("page:", left.append)
    pages = {who: hub.stream([f"page:{who}"], lease(who)) for who in ("anna", "bo")}
    for stream in pages.values():
        await anext(stream)
    signed_in.remove("anna")
    hub.doubt("anna")
    hub.doubt("anna")
    hub.doubt("somebody else")
    for _ in range(5):
        await asyncio.sleep(0)
    assert lost == [("anna", 0)], "told when nobody listens there any more, though the page has read nothing yet"
    assert (asked, left) == (1, ["anna"])
    assert [chunk async for chunk in pages["anna"]] == ["event: signed_out\ndata: {}\n\n"]
    assert left == ["anna"]
    hub.publish("page:bo", "ring", {})
    assert (await anext(pages["bo"])).startswith("event: ring\n")
    await pages["bo"].aclose()
    assert lost == [("anna", 0)], "a page that goes by itself was not signed out"


def test_relay_credentials_are_those_coturn_computes() -> None:
    settings = TurnSettings(("turn:relay.test:3478",), "the shared secret of it")
    (server,) = ice_servers(settings, "st-00000001", 1_800_000_000.4)
    assert server.username == f"{int(1_800_000_000.4 + LIVES_S)}:st-00000001"
    mac = hmac.new(b"the shared secret of it", server.username.encode(), hashlib.sha1).digest()
    assert server.credential == base64.b64encode(mac).decode()
    assert "secret" not in repr(settings)
    assert ice_servers(None, "anna", 0.0) == ()


async def test_passwords_are_argon2id_and_of_a_decent_length() -> None:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    hashed = await passwords.hash("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert await passwords.verify(hashed, "correct horse battery")
    for stored, word in ((hashed, "wrong"), (None, "nobody has this password"), ("rubbish", "x"), (hashed, "x" * 5000)):
        assert not await passwords.verify(stored, word)
    for bad in ("short", "x" * 300):
        with pytest.raises(Invalid):
            await passwords.hash(bad)


def test_calls_by_relays_only_need_a_relay(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="--relay-only needs a relay"):
        ServeOptions(data=tmp_path, relay_only=True).check()
    secret = tmp_path / "secret"
    secret.write_text("a secret that is long enough")
    options = ServeOptions(data=tmp_path, relay_only=True, turn_urls=("turn:relay.test:3478",), turn_secret_file=secret)
    options.check()
    assert options.turn() == TurnSettings(("turn:relay.test:3478",), "a secret that is long enough", relay_only=True)


@given(st.text(max_size=40) | st.integers(min_value=0).map(str))
def test_a_choice_of_a_form_is_a_number_that_any_database_holds_or_none_or_refused(text: str) -> None:
    try:
        chosen = choice(text)
    except Invalid:
        assert not (text.isascii() and text.isdigit() and len(text) <= 9)
        return
    assert (chosen is None) == (text == "")
    assert chosen is None or (chosen == int(text) and 0 <= chosen < 2**31)
