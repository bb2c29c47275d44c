"""The demo's error; drawn in `region/demo/__init__.py`."""

from region.errors import RegionError


class DemoError(RegionError):
    """The demo cannot start or go on; the text is for the person who started it."""

    exit_code = 2
