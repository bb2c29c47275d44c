"""The console as a Textual application."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Footer, RichLog, Static

from kiosk_ui.console.picture import half_blocks
from kiosk_ui.console.view import Mood, bar, console_view
from kiosk_ui.station import Station
from kiosk_ui.words import Words
from messaging.clock import Clock
from messaging.frames import RingReader
from messaging.local import ON_AIR, OWN_RING, REMOTE_RING, LogLine, Refusal
from messaging.twin import Language

_PICTURE_S = 0.2
_METER = 24
_LOG_LINES = 2000
_STYLES: dict[Mood, str] = {"good": "green", "warn": "yellow", "bad": "bold red", "plain": ""}
_LEVELS = {"debug": "dim", "info": "", "warning": "yellow", "error": "bold red"}


class ConsoleApp(App[None]):
    """The whole state of one station, its picture and its log, and the button."""

    CSS = """
    Screen { overflow: hidden; }
    #verdict { padding: 0 1; height: 1; text-style: bold; }
    #upper { height: 22; }
    #state { width: 1fr; padding: 1 1 0 1; }
    #side { width: 56; padding: 1 1 0 0; }
    #pictures { height: 1fr; }
    #own { width: 1fr; height: 100%; }
    #remote { width: 1fr; height: 100%; }
    #meters { height: 3; padding-bottom: 1; }
    #press { width: 100%; }
    #log { height: 1fr; min-height: 4; border-top: solid $primary; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "press"),
        Binding("q", "quit"),
        Binding("ctrl+c", "quit", show=False),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, runtime_dir: Path, clock: Clock, fallback: Language) -> None:
        super().__init__()
        self._fallback = fallback
        self._station = Station(
            runtime_dir, clock, watch=("log", "levels"), on_change=self._changed, on_log=self._log_line,
            on_refusal=self._refused,
        )  # fmt: skip
        self._own = RingReader(runtime_dir / OWN_RING)
        self._remote = RingReader(runtime_dir / REMOTE_RING)
        self._shown_language: Language | None = None

    def compose(self) -> ComposeResult:
        """Verdict, state beside picture and button, log."""
        yield Static(id="verdict")
        with Horizontal(id="upper"):
            yield Static(id="state")
            with Vertical(id="side"):
                with Horizontal(id="pictures"):
                    yield Static(id="own")
                    yield Static(id="remote")
                yield Static(id="meters")
                yield Button(id="press", variant="primary")
        yield RichLog(id="log", max_lines=_LOG_LINES, wrap=True)
        yield Footer()

    def on_mount(self) -> None:
        """Begin to follow the station."""
        self._changed()
        self.run_worker(self._station.run(), exit_on_error=True)
        self.set_interval(_PICTURE_S, self._show_pictures)

    def on_unmount(self) -> None:
        """Let go of the pictures."""
        self._own.close()
        self._remote.close()

    def action_press(self) -> None:
        """Press the station's button, and say whether the press went out."""
        texts = self._words.console
        if self._station.press():
            self.notify(texts.pressed)
        else:
            self.notify(texts.press_not_sent, severity="error")

    def on_button_pressed(self) -> None:
        """The button on the screen."""
        self.action_press()

    @property
    def _words(self) -> Words:
        return Words(self._station.language(self._fallback))

    def _changed(self) -> None:
        if not self.is_running:
            return
        words = self._words
        self._speak(words)
        view = console_view(self._station.call, self._station.agent, words)
        self.query_one("#verdict", Static).update(Text(view.verdict, _STYLES[view.mood]))
        table = Table.grid(padding=(0, 2))
        for row in view.rows:
            table.add_row(Text(row.label, "dim"), Text(row.value, _STYLES[row.mood]))
        self.query_one("#state", Static).update(table)
        levels = self._station.levels
        meters = (
            (words.console.microphone_level, levels.microphone_db if levels else None),
            (words.console.speaker_level, levels.speaker_db if levels else None),
        )
        lines = (f"{name:<12}{bar(db, _METER)}" for name, db in meters)
        self.query_one("#meters", Static).update(Text("\n".join(lines)))

    def _speak(self, words: Words) -> None:
        if words.language == self._shown_language:
            return
        self._shown_language = words.language
        texts = words.console
        self.title = texts.title
        self.query_one("#press", Button).label = texts.press
        self.query_one("#log", RichLog).border_title = texts.log
        self._bindings.key_to_bindings["p"] = [Binding("p", "press", texts.press)]
        self._bindings.key_to_bindings["q"] = [Binding("q", "quit", texts.quit)]
        self.refresh_bindings()

    def _show_pictures(self) -> None:
        if not self.is_running:  # the last tick may come while the widgets go
            return
        # The own picture is there only while the camera is open, and the camera opens only in a call.
        live = self._station.call is not None and self._station.call.light in ON_AIR
        for ring, name in ((self._own, "#own"), (self._remote, "#remote")):
            widget = self.query_one(name, Static)
            picture = ring.read()
            if not live:
                widget.update(Text(self._words.console.picture_off if name == "#own" else "", "dim"))
            elif picture is not None and widget.size.width and widget.size.height:
                widget.update(half_blocks(picture, widget.size.width, widget.size.height))

    def _log_line(self, line: LogLine) -> None:
        if not self.is_running:
            return
        at = datetime.fromtimestamp(line.at).astimezone().strftime("%H:%M:%S")
        self.query_one("#log", RichLog).write(Text(f"{at} {line.logger}: {line.text}", _LEVELS[line.level]))

    def _refused(self, refusal: Refusal) -> None:
        self.notify(self._words.console.refused.format(code=refusal.code), severity="warning")
