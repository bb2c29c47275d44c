"""How a station is, as lines of a terminal; in English, as all of the command line."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from region.fleet import remark_words, words
from region.fleet.facts import FactTeller
from region.fleet.standing import Remark, Standing
from region.web.pages import clock_time
from region.web.words import OWN, Catalogue


def printed(standing: Standing) -> Iterable[tuple[str, str]]:
    """Pairs of name and value: whether a call would work, why not, and every fact below its heading; times in UTC."""
    t = _english().translator("en")
    answer = "yes" if standing.level == "good" else "limits" if standing.ready else "no"
    yield t("fleet.call_now"), t(f"fleet.ready.{answer}")
    for remark in standing.remarks:
        yield "", _told(remark)
    for section in FactTeller(t, _english().has).sections(standing):
        yield section.title.upper(), ""
        for fact in section.facts:
            yield fact.name, f"{fact.text} {clock_time(fact.at)}".strip()


def why(standing: Standing) -> str:
    """The gravest remark; empty where there is none."""
    return _told(standing.remarks[0]) if standing.remarks else ""


def _told(remark: Remark) -> str:
    return _english().translator("en")(f"fleet.remark.{remark.code}", value=remark.value)


@cache
def _english() -> Catalogue:
    catalogue = Catalogue()
    for told in (OWN, words.WORDS, remark_words.WORDS):
        catalogue.add(told)
    return catalogue
