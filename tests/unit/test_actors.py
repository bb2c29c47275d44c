"""Who typed a command: told by the kernel first, in text that breaks nothing, and found again in what was written."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from region.cli.typist import account, judged, login_uid, typist
from region.registry.actors import COMMAND_LINE, LONGEST, Typist, typist_of

_ACCOUNTS = {0: "root", 990: "laegeknap-region", 1001: "anna", 1002: "bo"}


@pytest.mark.parametrize(
    ("login", "own", "environ", "actor"),
    [
        (1001, 0, {"SUDO_USER": "anna"}, "command line (anna)"),
        (1001, 990, {"SUDO_USER": "bo"}, "command line (anna)"),
        (1001, 1002, {}, "command line (anna)"),
        (None, 0, {"SUDO_USER": "anna"}, "command line (anna, by sudo)"),
        (None, 990, {"SUDO_USER": "  "}, "command line (laegeknap-region)"),
        (None, 0, {}, "command line (root)"),
        (4711, 0, {}, "command line (uid 4711)"),
    ],
    ids=["sudo", "another is named", "su", "no login is known", "nobody is named", "a service", "no such account"],
)
def test_the_login_that_the_kernel_keeps_counts_and_what_sudo_says_is_marked_as_that(
    login: int | None, own: int, environ: dict[str, str], actor: str
) -> None:
    assert judged(login, own, environ, lambda uid: _ACCOUNTS.get(uid, f"uid {uid}")).actor == actor


@pytest.mark.parametrize(
    ("written", "uid"), [("1001", 1001), ("0\n", 0), ("4294967295", None), ("", None), ("anna", None)]
)
def test_the_kernels_word_is_read_and_nobodys_login_is_none(tmp_path: Path, written: str, uid: int | None) -> None:
    kept = tmp_path / "loginuid"
    kept.write_text(written)
    assert login_uid(kept) == uid
    assert login_uid(tmp_path / "none") is None, "a kernel that does not keep it"


def test_here_and_now_it_is_an_account_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    login = login_uid()
    assert typist() == Typist(account(os.getuid() if login is None else login))
    assert account(os.getuid()) == pwd.getpwuid(os.getuid()).pw_name
    assert account(2**31 - 7) == f"uid {2**31 - 7}"
    assert account(2**80) == f"uid {2**80}"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SKIVE\\anna.l", "SKIVE\\anna.l"),
        ("anna@skive.example", "anna@skive.example"),
        ("Søren Ågård", "Søren Ågård"),
        ("So\N{COMBINING DIAERESIS}ren", "Sören"),
        ("anna, by sudo", "anna? by sudo"),
        ("vs_abcd2345)", "vs_abcd2345?"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b\nc\x00\x1b[2J<b>", "a?b?c???2J?b?"),
        ("\udcff", "?"),
        ("   ", "?"),
        ("a" * 500, "a" * (LONGEST - 1) + "…"),
    ],
)
def test_a_name_is_kept_as_safe_text(name: str, told: str) -> None:
    assert Typist(name).actor == f"command line ({told})"


@given(st.text(st.characters(), max_size=200), st.booleans())
def test_whatever_somebody_is_called_the_actor_fits_its_column_and_is_read_again(name: str, by_sudo: bool) -> None:
    actor = Typist(name, by_sudo).actor
    assert len(actor) <= 80
    assert actor.isprintable()
    assert actor.encode()
    assert actor.startswith(f"{COMMAND_LINE} (")
    found = typist_of(actor)
    assert found is not None
    assert found.by_sudo == by_sudo
    assert f"({found.name}" in actor


@pytest.mark.parametrize(
    "actor", [COMMAND_LINE, "anna", "region", "st-00000001", "anna (vs_abcd2345)", "command line ()"]
)
def test_any_other_actor_was_not_typed_by_anybody_who_is_named(actor: str) -> None:
    assert typist_of(actor) is None
