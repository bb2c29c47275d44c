"""How a station is, as lines of a terminal; in English, as all of the command line."""

from __future__ import annotations

from collections.abc import Iterable

from region.fleet import remark_words, words
from region.fleet.facts import FactTeller
from region.fleet.standing import Standing
from region.web.pages import clock_time
from region.web.words import OWN, Catalogue


def printed(standing: Standing) -> Iterable[tuple[str, str]]:
    """Pairs of name and value: whether a call would work, why not, and every fact; times in UTC."""
    catalogue = Catalogue()
    for told in (OWN, words.WORDS, remark_words.WORDS):
        catalogue.add(told)
    t = catalogue.translator("en")
    answer = "yes" if standing.level == "good" else "limits" if standing.ready else "no"
    yield t("fleet.call_now"), t(f"fleet.ready.{answer}")
    for remark in standing.remarks:
        yield "", t(f"fleet.remark.{remark.code}", value=remark.value)
    for section in FactTeller(t, catalogue.has).sections(standing):
        for fact in section.facts:
            yield fact.name, f"{fact.text} {clock_time(fact.at)}".strip()
