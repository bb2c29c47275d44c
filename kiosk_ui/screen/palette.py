"""The colours of each tone. Text on its ground keeps WCAG AAA contrast (7:1), which a test measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kiosk_ui.screen.shown import Tone


@dataclass(frozen=True)
class Palette:
    """`#rrggbb`: a colour and the ink that is written on it. `soft` is quieter ink on `ground`."""

    ground: str
    ink: str
    soft: str
    bar: str
    bar_ink: str
    accent: str  # the cap of the button sign, on bar_ink
    plate: str
    plate_ink: str
    sign: str = "#8C1A1A"
    sign_ink: str = "#FFFFFF"


PALETTES: Mapping[Tone, Palette] = {
    "calm": Palette("#FBF6EA", "#14273D", "#2C4058", "#14273D", "#FFFFFF", "#1B6E4A", "#FFE7A8", "#3A2600"),
    "night": Palette("#0E151D", "#EADFC8", "#CFC4AE", "#1B2733", "#EADFC8", "#1B6E4A", "#3A3220", "#F5E9CF"),
    "calling": Palette("#E4EFF8", "#0D2B47", "#21405D", "#0D2B47", "#FFFFFF", "#1B6E4A", "#FFE7A8", "#3A2600"),
    "ringing": Palette("#0A5236", "#FFFFFF", "#E6F4EC", "#FFFFFF", "#0A4029", "#FFFFFF", "#FFE7A8", "#3A2600"),
    "live": Palette("#0B1118", "#FFFFFF", "#DCE3EA", "#16202B", "#FFFFFF", "#1B6E4A", "#FFE7A8", "#3A2600"),
    "trouble": Palette("#FFF0CC", "#3A2600", "#4E3709", "#3A2600", "#FFF6E0", "#1B6E4A", "#3A2600", "#FFF6E0"),
}
