"""Whoever finds a weakness of a region learns whom to tell."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.errors import MalformedMessage
from messaging.times import read_rfc_3339
from region.cli import main
from region.errors import Usage
from region.serving.options import ServeOptions
from region.web.security_txt import PATH, SecurityTxt, read_security_txt
from tests.kits.region.app import Kit, region_kit

CONTACTS = ("mailto:security@region.example", "https://region.example/security", "tel:+45-12-34-56-78")


async def test_it_is_served_to_anybody_once_the_operator_has_said(tmp_path: Path) -> None:
    told = SecurityTxt(CONTACTS, date(2027, 11, 1))
    async with (
        region_kit(tmp_path, public_url="https://region.example", security=told) as kit,
        kit.browser() as anybody,
    ):
        answer = await anybody.get("/.well-known/security.txt")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    fields = [line.split(": ", 1) for line in answer.text.split("\r\n")[:-1]]
    assert [value for name, value in fields if name == "Contact"] == [*CONTACTS]
    once = dict(fields)
    assert read_rfc_3339(once["Expires"]) == 1_825_027_200.0
    assert once["Canonical"] == "https://region.example/.well-known/security.txt"
    assert once["Preferred-Languages"] == "da, en"
    assert answer.text.endswith("\r\n")


async def test_it_is_not_there_where_nobody_is_named(kit: Kit) -> None:
    async with kit.browser() as anybody:
        assert (await anybody.get(PATH)).status_code == 404


def test_the_options_say_it(tmp_path: Path) -> None:
    assert ServeOptions(tmp_path).security() is None
    options = ServeOptions(tmp_path, security_contacts=CONTACTS[:1], security_expires="2027-11-01")
    assert options.security() == SecurityTxt(CONTACTS[:1], date(2027, 11, 1))


@pytest.mark.parametrize(
    ("contacts", "expires", "told"),
    [
        (CONTACTS, None, "go together"),
        ((), "2027-11-01", "go together"),
        (("security@region.example",), "2027-11-01", "expected mailto:"),
        (("http://region.example",), "2027-11-01", "expected mailto:"),
        (("mailto:a@b\r\nContact: mailto:evil@b",), "2027-11-01", "expected mailto:"),
        (CONTACTS, "next year", "expected a day"),
        (CONTACTS, "2027-02-29", "expected a day"),
    ],
)
def test_what_is_no_contact_or_no_day_is_refused_before_anything_starts(
    tmp_path: Path, contacts: tuple[str, ...], expires: str | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Usage, match=told):
        ServeOptions(tmp_path, security_contacts=contacts, security_expires=expires).check()
    typed = [word for one in contacts for word in ("--security-contact", one)]
    typed += [] if expires is None else ["--security-expires", expires]
    assert main(["serve", "--data", str(tmp_path), *typed]) == 2
    assert "--security-contact" in capsys.readouterr().err


@given(st.text(max_size=60))
def test_whatever_is_said_makes_one_line_for_each_contact(said: str) -> None:
    try:
        told = read_security_txt((said,), "2027-11-01")
    except MalformedMessage:
        return
    assert told is not None
    assert told.text("http://localhost").splitlines()[0] == f"Contact: {said}"
    assert len(told.text("http://localhost").splitlines()) == 3


@pytest.mark.parametrize(("today", "soon"), [("2027-09-30", False), ("2027-10-02", True), ("2028-01-01", True)])
def test_it_is_looked_at_again_in_time(today: str, soon: bool) -> None:
    assert SecurityTxt(CONTACTS, date(2027, 11, 1)).ends_soon(date.fromisoformat(today)) is soon
