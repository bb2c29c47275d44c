"""`region demo`: a region and a simulated station on one machine, to try, to show, and to drive by scripts.

Everything it makes lives in one temporary directory and in processes of its own, and is gone when it ends. It stands at
the region's side and starts the station by its command, as systemd would: it imports nothing of `device`.

Errors::

    RegionError         region.errors
    └── DemoError       the demo cannot start or go on; the text says what to do
"""

from region.demo.command import add_arguments, main
from region.demo.errors import DemoError

__all__ = ["DemoError", "add_arguments", "main"]
