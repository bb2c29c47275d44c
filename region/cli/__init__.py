"""The `region` command. A command stands in the file of its name: `region station revoke` in `station.py`.

`commands.py` is the list of them, and imports only the one that was typed; `parsing.py` and `desk.py` are what they
are made of, `printing.py` how they answer. Each gives an `add_arguments(parser)`.
"""

from region.cli.entry import main

__all__ = ["main"]
