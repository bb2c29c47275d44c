"""Which threads go first, as the kernel has it."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

import pytest

from device.runtime.urgency import PICTURES, SOUND, Urgency, step_back


def niceness_in_a_thread(*acts: Callable[[], None]) -> list[int]:
    """Of a new thread, after each."""
    seen: list[int] = []

    def run() -> None:
        for act in acts:
            act()
            seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return seen


def test_pictures_step_back_and_nobody_else_does() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness_in_a_thread(step_back) == [min(19, before + PICTURES)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_each_thread_that_comes_by_is_made_urgent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "setpriority", lambda _, thread, nice: asked.append((thread, nice)))
    urgency = Urgency()
    niceness_in_a_thread(urgency.here, urgency.here)
    niceness_in_a_thread(urgency.here, urgency.here)  # the device was opened again
    assert [nice for _, nice in asked] == [SOUND, SOUND]
    assert os.getpid() not in {thread for thread, _ in asked}


def test_who_may_not_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    urgency = Urgency()
    with caplog.at_level(logging.INFO):
        niceness_in_a_thread(urgency.here, urgency.here)
    assert caplog.text.count("may not go before others") == 1
