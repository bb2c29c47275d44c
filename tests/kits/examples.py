"""What hypothesis tries: the same in each `make test`, a sample in `make check`, much more in `make explore`.

A run that judges a change is not red by an example that nobody has seen and that the change has nothing to do with:
what it tries is drawn from each test's own source. Finding is done by the two others, which draw anew each time.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

FULL, SAMPLE, EXPLORE = "full", "sample", "explore"  # profiles, chosen by --hypothesis-profile
_USUAL = 100
_SAMPLED = 25
_EXPLORED = 1000


def offer_profiles() -> None:
    """All of them; the full one unless the command line says otherwise. Nothing is judged by the time it takes."""
    usual = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=False)
    settings.register_profile(FULL, usual, max_examples=_USUAL, derandomize=True, database=None)
    settings.register_profile(SAMPLE, usual, max_examples=_SAMPLED)
    settings.register_profile(EXPLORE, usual, max_examples=_EXPLORED, print_blob=True)
    settings.load_profile(FULL)


def examples(many: int) -> int:
    """For a test that says itself how many it wants: so many in all, and as much fewer or more as of others."""
    return max(1, many * settings().max_examples // _USUAL)
