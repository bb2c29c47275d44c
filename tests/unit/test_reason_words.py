"""Whatever a station or the region says of why a command waits or was not done, somebody can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import device.agent
from messaging.command import Reason
from messaging.twin import Language
from provisioning.station import region_client
from provisioning.station.errors import ProvisioningError
from region.stations.reason_words import WORDS

OF_THE_REGION = {"expired", "no_answer", "cancelled", "restored"}
LANGUAGES: tuple[Language, ...] = get_args(Language)


def codes(error: type[ProvisioningError]) -> Iterator[str]:
    yield error.code
    for below in error.__subclasses__():
        yield from codes(below)


REASONS = {*get_args(Reason), *codes(ProvisioningError), *region_client._LASTING, *OF_THE_REGION}


@pytest.mark.parametrize("where", ["stations.command.reason", "web.audit.value.reason"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words_on_the_page_and_in_the_log(language: Language, where: str) -> None:
    told = {key.removeprefix(f"{where}."): word for key, word in WORDS[language].items() if key.startswith(where)}
    assert set(told) == REASONS, "a reason without words, or words that nobody says"
    assert all(word.strip() == word and word[0].islower() for word in told.values())
    assert len(set(told.values())) == len(told), "two reasons that nobody could tell apart"


def test_the_two_languages_are_two() -> None:
    assert [key for key, word in WORDS["en"].items() if WORDS["da"][key] == word] == []


def test_a_station_says_no_reason_that_is_not_listed() -> None:
    """`waits` and `failed` take a `Reason` and nothing else, which mypy holds; nobody goes round them."""
    folder = Path(device.agent.__file__).parent
    round_them = re.compile(r'Progress\(\s*"(?:failed|scheduled)",\s*"')
    assert [path.name for path in folder.rglob("*.py") if round_them.search(path.read_text())] == []
