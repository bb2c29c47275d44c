"""How much hypothesis tries: everything in `make test`, a sample in `make check`, where a person waits for it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

FULL, SAMPLE = "full", "sample"  # profiles, chosen by --hypothesis-profile
_USUAL = 100
_SAMPLED = 25


def offer_profiles() -> None:
    """Both of them; all is tried unless the command line says otherwise. Nothing is judged by the time it takes."""
    usual = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(FULL, usual, max_examples=_USUAL)
    settings.register_profile(SAMPLE, usual, max_examples=_SAMPLED)
    settings.load_profile(FULL)


def examples(many: int) -> int:
    """For a test that says itself how many it wants: so many in all, and as much fewer in a sample as of others."""
    return max(1, many * settings().max_examples // _USUAL)
