"""Carries out what waits in the journal, one order at a time, and goes on where a kill has left it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from device.agent.commands.doing import DEADLINE_S, DEADLINES, Outcome, Reach, carry_out
from device.agent.commands.entry import Entry
from device.agent.commands.errors import JournalUnusable
from device.agent.commands.evidence import Evidence, shown
from device.agent.commands.judging import order_of
from device.agent.commands.ledger import Ledger
from device.agent.commands.table import Moment, moves
from device.agent.commands.wiping import Wiping
from messaging.clock import Clock
from messaging.command import DISTURBING, Order, Progress, failed

_log = logging.getLogger(__name__)
MOST_ATTEMPTS = 3  # an order that takes the agent down each time is given up
_LOOK_EVERY_S = 0.25
_RETRY_S = 60.0  # a disk that refuses the journal
_LAST_WORDS_S = 30.0  # before a station is erased


class Running:
    """`station`: who this station is, '' while it is nobody."""

    def __init__(
        self, ledger: Ledger, reach: Reach, wiping: Wiping, clock: Clock, trusted: Callable[[], bool],
        station: Callable[[], str],
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._reach = reach
        self._wiping = wiping
        self._clock = clock
        self._trusted = trusted
        self._station = station
        self._news = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._refusal = ""  # station-call's answer to what it was asked last

    def wake(self) -> None:
        """There is something to do."""
        self._news.set()

    def refused(self, code: str) -> None:
        """station-call does not do what it was asked."""
        self._refusal = code

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._news.clear()
                try:
                    waiting = await self._look()
                except JournalUnusable as error:
                    _log.error("%s", error)
                    await self._clock.sleep(_RETRY_S)
                    continue
                await (self._clock.sleep(_LOOK_EVERY_S) if waiting else self._news.wait())
        finally:
            if self._work is not None:
                self._work.cancel()
                await asyncio.wait([self._work])

    async def _look(self) -> bool:
        """Take what steps are open; whether anything still waits."""
        if self._work is not None and self._work.done():
            work, self._work = self._work, None
            work.result()  # what it did not expect is the agent's to fail with
        station, journal = self._station(), self._ledger.journal
        await self._ledger.tell(station)
        if await self._ledger.act(journal.retired, station):
            await self._retire()
        moment = Moment(self._clock.wall(), self._trusted(), self._reach.call())
        for move in moves(await self._ledger.act(journal.unfinished, station), moment):
            evidence = self._reach.evidence() if move.progress.state == "executing" else None
            await self._step(station, move.cid, move.progress, evidence)
        unfinished = await self._ledger.act(journal.unfinished, station)
        begun = next((entry for entry in unfinished if entry.state == "executing"), None)
        if begun is not None and self._work is None:
            self._work = asyncio.create_task(self._finish(begun), name="command")
        return bool(unfinished)

    async def _step(self, station: str, cid: str, progress: Progress, evidence: Evidence | None = None) -> None:
        _log.info("command %s: %s %s", cid, progress.state, progress.reason)
        await self._ledger.act(self._ledger.journal.step, cid, progress, evidence)
        await self._ledger.tell(station)

    async def _finish(self, entry: Entry) -> None:
        order = order_of(entry.kind, entry.body)
        try:
            if order is None or entry.evidence is None:
                end = failed("unsupported")  # by this version, which another one's journal is before
            else:
                end = await self._carry_out(entry, order, entry.evidence)
            await self._step(entry.station, entry.cid, end)
        except JournalUnusable as error:
            _log.error("how the command ended cannot be kept, and is looked at again: %s", error)
        finally:
            self.wake()

    async def _carry_out(self, entry: Entry, order: Order, then: Evidence) -> Progress:
        asked, within_s = False, DEADLINES.get(type(order), DEADLINE_S)
        until = self._clock.monotonic() + within_s
        while self._clock.monotonic() < until:
            seen = shown(order, then, self._reach.evidence())
            if seen == "done":
                return Progress("successful")
            if self._refusal == "in_call":  # station-call knows best: nothing has been done, and it waits
                asked = False
            self._refusal = ""
            yields = entry.kind in DISTURBING and self._reach.call() == "in_call"
            if yields and not asked:
                if self._trusted() and self._clock.wall() >= entry.expires:
                    return failed("expired")
                until = self._clock.monotonic() + within_s
            elif seen == "not_yet" and not asked:
                if await self._ledger.act(self._ledger.journal.attempt, entry.cid) > MOST_ATTEMPTS:
                    return failed("gave_up")
                outcome = await self._within(within_s, entry.cid, order, then)
                if isinstance(outcome, Progress):
                    return outcome
                asked = True
            await self._clock.sleep(_LOOK_EVERY_S)
        return failed("no_sign")

    async def _within(self, seconds: float, cid: str, order: Order, then: Evidence) -> Outcome:
        doing = asyncio.ensure_future(carry_out(cid, order, then, self._reach))
        waiting = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait((doing, waiting), return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else failed("no_sign")
        finally:
            for task in (doing, waiting):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([task])

    async def _retire(self) -> None:
        """It has been told, as far as anybody hears: begin, and end; the next start erases."""
        until = self._clock.monotonic() + _LAST_WORDS_S
        while self._clock.monotonic() < until and await self._ledger.waiting():
            await self._clock.sleep(_LOOK_EVERY_S)
        try:
            self._wiping.mark()
        except OSError as error:
            _log.critical("this station cannot be retired, and is tried again: %s", error)
            await self._clock.sleep(_RETRY_S)
        else:
            self._reach.end_agent()
