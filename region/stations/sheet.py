"""The sheet that goes with a batch of cards: one label a card, to cut out. Plain HTML, of no use to whoever finds it.

A code stands on it only where somebody has asked for that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from messaging.twin import Language
from region.stations.cards import Batch, Card
from region.stations.sheet_words import SheetWords, sheet_words

_STYLE = """
@page { size: A4; margin: 10mm; }
body { font: 11pt/1.3 "Noto Sans", "DejaVu Sans", sans-serif; color: #000; margin: 0; }
h1 { font-size: 14pt; margin: 0 0 2mm; }
p { margin: 0 0 3mm; }
ol { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(3, 1fr); }
li { border: 1px dashed #767676; padding: 4mm; min-height: 34mm; break-inside: avoid; overflow-wrap: anywhere; }
li strong { display: block; font-size: 15pt; line-height: 1.2; }
li small { display: block; font-size: 8.5pt; }
code { font-family: "DejaVu Sans Mono", monospace; }
"""


def draw_sheet(batch: Batch, language: Language, *, with_codes: bool = False) -> str:
    """The sheet as a page of its own."""
    words = sheet_words(language)
    title = words.title.format(site=batch.site, cards=len(batch.cards))
    told = words.lead.format(made=_day(batch.made), expires=_day(batch.expires))
    labels = "\n".join(_label(card, batch, words, with_codes) for card in batch.cards)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n<p>{escape(told)}</p>\n"
        f"<ol>\n{labels}\n</ol>\n</main>\n</body>\n</html>\n"
    )


def _label(card: Card, batch: Batch, words: SheetWords, with_codes: bool) -> str:
    rows = [
        escape(batch.site),
        f"<strong>{escape(card.room)}</strong>",
        escape(words.card.format(number=card.number, cards=len(batch.cards))),
        f"<small>{escape(words.folder)} <code>{escape(card.folder)}</code></small>",
    ]
    if card.serial:
        rows.append(f"<small>{escape(words.serial)} <code>{escape(card.serial)}</code></small>")
    if with_codes:
        rows.append(f"<small>{escape(words.code)} <code>{_in_fours(card.code_file.code)}</code></small>")
    rows.append(f"<small>{escape(words.until.format(expires=_day(batch.expires)))}</small>")
    return f"<li>{'<br>'.join(rows[:1])}{''.join(rows[1:])}</li>"


def _in_fours(code: str) -> str:
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
