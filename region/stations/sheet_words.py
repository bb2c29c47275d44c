"""What stands on the sheet of a batch of cards."""

from __future__ import annotations

from dataclasses import dataclass

from messaging.twin import Language


@dataclass(frozen=True)
class SheetWords:
    """One language."""

    title: str  # {site}, {cards}
    lead: str  # {made}, {expires}
    card: str  # {number}, {cards}
    folder: str
    serial: str
    code: str
    until: str  # {expires}
    room: str  # what rooms are called where nobody says otherwise


_WORDS: dict[Language, SheetWords] = {
    "en": SheetWords(
        title="{site}: {cards} cards",
        lead="Made {made}. Copy the file of each folder to the card of that number, and put the label on it. "
        "A card that is not used by {expires} needs a new code.",
        card="Card {number} of {cards}",
        folder="Folder",
        serial="Serial number",
        code="Code",
        until="Use by {expires}",
        room="Room",
    ),
    "da": SheetWords(
        title="{site}: {cards} kort",
        lead="Lavet {made}. Læg filen fra hver mappe på kortet med det nummer, og sæt mærkaten på. "
        "Et kort, der ikke er brugt senest {expires}, skal have en ny kode.",
        card="Kort {number} af {cards}",
        folder="Mappe",
        serial="Serienummer",
        code="Kode",
        until="Bruges senest {expires}",
        room="Stue",
    ),
}


def sheet_words(language: Language) -> SheetWords:
    """The words in that language."""
    return _WORDS[language]
