"""`region user ...`: roles and the places they are bound to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from region.cli import main
from region.registry import Registry, database_url
from region.registry.actors import COMMAND_LINE, Typist
from tests.kits.region.log import changed

Region = Callable[..., Any]


@pytest.fixture
def region(tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]) -> Region:
    """Carries out a command, on each database; gives its JSON, or what it complained of."""

    def run(*words: str) -> Any:
        code = main([*words, "--json", "--data", str(tmp_path), "--database", database])
        out, err = capsys.readouterr()
        return json.loads(out) if code == 0 else (code, err)

    for name in ("Solgården", "Månelyst"):
        run("site", "add", name)
    run("clinic", "add", "Bakken")
    return run


def test_a_sites_staff_are_bound_to_sites_and_an_evaluator_may_be(region: Region) -> None:
    made = region("user", "add", "sara", "--role", "site_staff", "--site", "Solgården", "--site", "Månelyst")
    assert [site["name"] for site in made["sites"]] == ["Månelyst", "Solgården"]
    assert region("user", "add", "eva", "--role", "evaluator")["sites"] == []
    assert {one["name"]: one["role"] for one in region("user", "list")} == {"eva": "evaluator", "sara": "site_staff"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--role", "site_staff"), "need --site"),
        (("--role", "clinician"), "needs --clinic"),
        (("--role", "site_staff", "--site", "Nowhere"), "no site Nowhere"),
    ],
)
def test_a_role_without_its_place_is_refused(region: Region, words: tuple[str, ...], complaint: str) -> None:
    code, error = region("user", "add", "sara", *words)
    assert code > 0
    assert complaint in error
    assert region("user", "list") == []


def test_a_change_of_role_or_place_is_told_in_the_log(region: Region) -> None:
    region("user", "add", "sara", "--role", "site_staff", "--site", "Solgården")
    moved = region("user", "set", "sara", "--site", "Månelyst")
    assert [site["name"] for site in moved["sites"]] == ["Månelyst"]
    region("user", "set", "sara", "--role", "clinician", "--clinic", "Bakken")
    region("user", "set", "sara", "--role", "clinician")
    told = [row["detail"] for row in region("audit", "list") if row["action"] == "person.change"]
    assert [changed(one) for one in told] == [
        {"role": ("site_staff", "clinician"), "clinic": ("", "Bakken"), "sites": (["Månelyst"], [])},
        {"sites": (["Solgården"], ["Månelyst"])},
    ]
    code, error = region("user", "set", "sara", "--clinic", "")
    assert (code, "a clinician belongs to one" in error) == (1, True)


def test_what_residents_see_of_somebody_is_changed_alone(region: Region) -> None:
    region("user", "add", "anna", "--role", "clinician", "--clinic", "Bakken", "--display-name", "Anna Holm")
    changed = region("user", "set", "anna", "--display-name", "Anna Lund", "--title", "GP")
    assert (changed["display_name"], changed["title"], changed["clinic"]) == ("Anna Lund", "GP", "Bakken")
    assert region("user", "set", "anna", "--title", "")["display_name"] == "Anna Lund"


def test_people_with_their_sites_go_out_as_a_table_and_come_in_again(region: Region, tmp_path: Path) -> None:
    region("user", "add", "sara", "--role", "site_staff", "--site", "Solgården", "--site", "Månelyst")
    file = tmp_path / "people.csv"
    region("export", "people", "--out", str(file))
    assert region("import", str(file))["same"] == 1
    file.write_text("name;role;sites\nsara;site_staff;Solgården\nnew;site_staff;Solgården | Månelyst\n", "utf-8")
    taken = region("import", str(file))
    assert (taken["added"], taken["changed"]) == (1, 1)
    assert {one["name"]: len(one["sites"]) for one in region("user", "list")} == {"sara": 1, "new": 2}
    for wrong, complaint in (("site_staff;Nowhere", "no such site"), ("site_staff;", "one or more")):
        file.write_text(f"name;role;sites\nsara;{wrong}\n", "utf-8")
        code, error = region("import", str(file))
        assert (code, complaint in error) == (1, True), error


def test_somebody_is_signed_out_everywhere_and_the_log_tells_of_it(region: Region) -> None:
    region("user", "add", "eva", "--role", "evaluator")
    assert region("user", "sign-out", "eva") == {"name": "eva", "browsers": 0}
    assert region("audit", "list")[0]["action"] == "user.sign_out"
    assert region("user", "sign-out", "nobody")[0] == 1


def test_the_log_names_the_account_that_a_command_was_typed_from_beside_rows_that_name_nobody(
    region: Region, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_an_older_row(database_url(tmp_path, database)))
    monkeypatch.setattr("region.cli.desk.typist", lambda: Typist("anna"))
    region("user", "add", "eva", "--role", "evaluator")
    region("token", "add", "Overvågning", "--role", "it_admin")
    made, added, older = region("audit", "list", "--most", "3")
    assert (made["actor"], added["actor"], older["actor"]) == (
        "command line (anna)",
        "command line (anna)",
        COMMAND_LINE,
    )
    assert (made["action"], added["action"]) == ("token.add", "user.add")
    assert region("token", "list")[0]["made_by"] == COMMAND_LINE, "a token is nobody's who could leave"
    assert region("audit", "verify")["intact"] is True


async def _an_older_row(url: str) -> None:
    registry = Registry(url)
    async with registry.begin() as t:
        await t.audit.add(COMMAND_LINE, "backup", "done", 5.0)
    await registry.close()
