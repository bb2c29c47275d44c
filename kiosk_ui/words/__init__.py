"""What a station says in writing, in Danish and English: the resident's screen, the console and the panel.

`Words(language)` is the one door. Texts are grouped as they are used (`words.screen.calling`, `words.console.quit`);
what belongs to a word of the protocol is a mapping (`words.ended["no_answer"]`). Placeholders: `str.format`.
A new text is a field in `catalogue.py` and a line in each language; mypy and the tests hold the languages together.
"""

from kiosk_ui.words.catalogue import Catalogue, ConsoleTexts, PanelTexts, Said, ScreenTexts
from kiosk_ui.words.phones import unbroken
from kiosk_ui.words.times import elapsed
from kiosk_ui.words.words import Words

__all__ = ["Catalogue", "ConsoleTexts", "PanelTexts", "Said", "ScreenTexts", "Words", "elapsed", "unbroken"]
