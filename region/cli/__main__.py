"""`python -m region.cli`."""

import sys

from region.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
