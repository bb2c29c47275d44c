"""What the documents point at is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(test_\w+?)(\.\.\.)?)?`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_that_is_named_exists(document: Path) -> None:
    for name, test, open_end in TEST.findall(document.read_text(encoding="utf-8")):
        path = ROOT / name
        assert path.is_file(), name
        if test:
            pattern = rf"def {test}\w*\(" if open_end else rf"def {test}\("
            assert re.search(pattern, path.read_text(encoding="utf-8")), f"{name}::{test}"


def test_every_decision_is_in_the_list_and_numbered_once() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("0*.md"))
    listed = re.findall(r"\]\((0\d{3}-[\w.-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == pages
    assert [name[:4] for name in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]


def test_every_library_has_its_reason() -> None:
    reasons = (ROOT / "docs/decisions/0003-dependencies.md").read_text(encoding="utf-8").lower()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = project[project.index("dependencies = [") : project.index("[project.scripts]")]
    names = {
        name.lower().split("-essentials")[0].split("-addons")[0]
        for name in re.findall(r'"([A-Za-z0-9-]+)(?:\[|[=>])', needed)
    }
    missing = {name for name in names if name.removesuffix("-cffi") not in reasons and name not in reasons}
    assert missing - {"pytest-asyncio", "pytest-timeout", "pytest-xdist"} == set()


def _log_lines() -> list[str]:
    """What the region's code logs, as it stands there: `%s` for a value."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "region").rglob("*.py"))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    said = (call.args[0] for call in calls if ast.unparse(call.func).startswith("_log."))
    return [one.value for one in said if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def test_the_journal_does_say_what_the_guide_tells_to_watch_for() -> None:
    guide = (ROOT / "docs/operations/monitoring.md").read_text(encoding="utf-8")
    quotes = re.findall(r"^\| `(.*?)`", guide, re.MULTILINE)
    assert len(quotes) > 8
    said = _log_lines()
    patterns = {quote: re.compile(re.escape(quote).replace(r"\.\.\.", "%[sd]")) for quote in quotes}
    assert [quote for quote, pattern in patterns.items() if not any(map(pattern.match, said))] == []
