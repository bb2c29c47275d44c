"""How often somebody may try to sign in: by account and by address."""

from __future__ import annotations

from dataclasses import dataclass, field

from provisioning.authority.limiter import GuessLimiter
from region.web.errors import TooManyTries


@dataclass
class Limits:
    """Sliding windows; times are monotonic seconds. One that signs in is not held to have guessed."""

    accounts: GuessLimiter = field(default_factory=lambda: GuessLimiter(tries=8, window_s=600.0))
    addresses: GuessLimiter = field(default_factory=lambda: GuessLimiter(tries=40, window_s=600.0))
    links: GuessLimiter = field(default_factory=lambda: GuessLimiter(tries=20, window_s=600.0))

    def take_sign_in(self, account: str, address: str, now: float) -> None:
        """Count a try, or TooManyTries."""
        wait_s = self.addresses.take(address, now)
        if wait_s <= 0:
            wait_s = self.accounts.take(account, now)
        if wait_s > 0:
            raise TooManyTries(wait_s)

    def signed_in(self, account: str, address: str) -> None:
        """The last try was the right one."""
        self.accounts.give_back(account)
        self.addresses.give_back(address)

    def take_link(self, address: str, now: float) -> None:
        """Count a try at a one-time link, or TooManyTries."""
        wait_s = self.links.take(address, now)
        if wait_s > 0:
            raise TooManyTries(wait_s)
