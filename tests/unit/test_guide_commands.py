"""Whatever the documents tell somebody to type at `region` or `make` is there: commands, options and all."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from region.cli.commands import build_parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:\S*/)?region (.*)$")
_ABBREVIATED = re.compile(r"([0-9a-f]{4})\.\.\.")  # of 64 hexadecimal digits
_SHELL = ("|", ">", "&&", ";", "\n")


def _told(text: str) -> Iterator[list[str]]:
    """The words after `region` of each line that is typed, without comments and what the shell takes."""
    for block in _FENCED.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if typed := _TYPED.match(line.removeprefix("ExecStart=")):
                words = shlex.split(typed[1], comments=True)
                end = next((at for at, word in enumerate(words) if word in _SHELL), len(words))
                yield [_ABBREVIATED.sub(r"\1" * 16, word) for word in words[:end] if word != "..."]


COMMANDS = [(page, words) for page in PAGES for words in _told(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    ("page", "words"), COMMANDS, ids=lambda value: value.stem if isinstance(value, Path) else " ".join(value)[:50]
)
def test_a_command_of_the_documents_is_one_of_ours(
    page: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        build_parser(words[0]).parse_args(words)
    except SystemExit:
        pytest.fail(f"{page.relative_to(ROOT)}: region {' '.join(words)}\n{capsys.readouterr().err}")


def test_a_command_named_in_passing_is_there_too() -> None:
    missing = []
    for page in PAGES:
        for name in re.findall(r"`region ([a-z]+(?:-[a-z]+)*)", page.read_text(encoding="utf-8")):
            try:
                build_parser(name).parse_args([name, "--help"])
            except SystemExit as ended:
                if ended.code != 0:
                    missing.append((page.name, name))
    assert missing == []


def test_what_make_is_told_to_do_it_knows() -> None:
    rules = re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    targets = {name for rule in rules for name in rule.split()}
    for page in PAGES:
        assert set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)`", page.read_text(encoding="utf-8"))) <= targets, page
