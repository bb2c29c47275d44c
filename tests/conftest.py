"""For all tests: how busy this machine is must not decide what hypothesis makes of them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.databases import beside, database, empty_database, registry, server, template

__all__ = ["beside", "database", "empty_database", "registry", "server", "template"]

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
