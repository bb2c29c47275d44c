"""How often somebody may try to sign in: by account and by address. All processes of the region count together."""

from __future__ import annotations

from messaging.clock import Clock
from region.registry import Registry
from region.registry.attempts import Limit
from region.web.errors import TooManyTries

ACCOUNTS = Limit("account", tries=8, window_s=600.0)
ADDRESSES = Limit("address", tries=40, window_s=600.0)
LINKS = Limit("link", tries=20, window_s=600.0)
TOKENS = Limit("token", tries=20, window_s=600.0)  # wrong ones, from one address


class Limits:
    """Sliding windows. One that signs in is not held to have guessed."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def take_sign_in(self, account: str, address: str) -> None:
        """Count a try, or TooManyTries."""
        now = self._clock.wall()
        async with self._registry.begin() as t:
            wait_s = await t.attempts.take(ADDRESSES, address, now)
            if wait_s <= 0:
                wait_s = await t.attempts.take(ACCOUNTS, account, now)
        if wait_s > 0:
            raise TooManyTries(wait_s)

    async def signed_in(self, account: str, address: str) -> None:
        """The last try was the right one."""
        async with self._registry.begin() as t:
            await t.attempts.give_back(ACCOUNTS, account)
            await t.attempts.give_back(ADDRESSES, address)

    async def take_link(self, address: str) -> None:
        """Count a try at a one-time link, or TooManyTries."""
        async with self._registry.begin() as t:
            wait_s = await t.attempts.take(LINKS, address, self._clock.wall())
        if wait_s > 0:
            raise TooManyTries(wait_s)

    async def link_was_right(self, address: str) -> None:
        """The last try at a link was the right one."""
        async with self._registry.begin() as t:
            await t.attempts.give_back(LINKS, address)

    async def wrong_token(self, address: str) -> None:
        """Count an API token that opened nothing, or TooManyTries. Right ones are not counted, and not held back."""
        async with self._registry.begin() as t:
            wait_s = await t.attempts.take(TOKENS, address, self._clock.wall())
        if wait_s > 0:
            raise TooManyTries(wait_s)
