"""How often somebody may try to sign in. All processes of the region count together.

Strangers are counted by account and by address, and a browser in which that person has signed in before by itself
(`devices`): nobody's wrong tries keep others out of the browser they have.
"""

from __future__ import annotations

from messaging.clock import Clock
from region.registry import Registry
from region.registry.attempts import Limit
from region.web.errors import TooManyTries

ACCOUNTS = Limit("account", tries=8, window_s=600.0)
ADDRESSES = Limit("address", tries=40, window_s=600.0)
DEVICES = Limit("device", tries=8, window_s=600.0)  # of one person in one browser
SECOND_STEPS = Limit("second step", tries=8, window_s=600.0)
LINKS = Limit("link", tries=20, window_s=600.0)
TOKENS = Limit("token", tries=20, window_s=600.0)  # wrong ones, from one address
LOGOUTS = Limit("logout", tries=20, window_s=600.0)  # the same
Count = tuple[Limit, str]


class Limits:
    """Sliding windows. One that signs in is not held to have guessed.

    `device` is as `devices.known` has it: empty for a stranger's browser.
    """

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def take_sign_in(self, account: str, address: str, device: str = "") -> None:
        """Count a try, or TooManyTries."""
        await self._take(*_sign_in(account, address, device))

    async def signed_in(self, account: str, address: str, device: str = "") -> None:
        """The last try was the right one."""
        await self._give_back(*_sign_in(account, address, device))

    async def take_second_step(self, account: str, device: str) -> None:
        """Count a try at a second step, which is asked for after the password, or TooManyTries."""
        await self._take(_second_step(account, device))

    async def second_step_was_right(self, account: str, device: str) -> None:
        """The last try at it was the right one."""
        await self._give_back(_second_step(account, device))

    async def take_link(self, address: str) -> None:
        """Count a try at a one-time link, or TooManyTries."""
        await self._take((LINKS, address))

    async def link_was_right(self, address: str) -> None:
        """The last try at a link was the right one."""
        await self._give_back((LINKS, address))

    async def wrong_token(self, address: str) -> None:
        """Count an API token that opened nothing, or TooManyTries. Right ones are not counted, and not held back."""
        await self._take((TOKENS, address))

    async def wrong_logout(self, address: str) -> None:
        """Count a logout token that ended nothing; as `wrong_token`."""
        await self._take((LOGOUTS, address))

    async def _take(self, *counts: Count) -> None:
        now = self._clock.wall()
        async with self._registry.begin() as t:
            for limit, source in counts:
                wait_s = await t.attempts.take(limit, source, now)
                if wait_s > 0:
                    break
        if wait_s > 0:
            raise TooManyTries(wait_s)

    async def _give_back(self, *counts: Count) -> None:
        async with self._registry.begin() as t:
            for limit, source in counts:
                await t.attempts.give_back(limit, source)


def _sign_in(account: str, address: str, device: str) -> tuple[Count, ...]:
    return ((DEVICES, device),) if device else ((ADDRESSES, address), (ACCOUNTS, account))


def _second_step(account: str, device: str) -> Count:
    return SECOND_STEPS, f"device {device}" if device else f"account {account}"
