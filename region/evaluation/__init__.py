"""The pilots' figures: the same for every pilot, of whole weeks, with no health data and nobody's name in them.

What each figure counts, and what it does not, is told in `docs/evaluation.md`; a change here is a change there.

`weeks.py` says which weeks, `figures.py` counts (exactly, in memory only), `publishing.py` makes of it what may be
read, `gather.py` asks the registry, `table.py` writes CSV. Only published rows leave this package.

Errors (below `region.errors.RegionError`)::

    EvaluationError         the figures cannot be given
    ├── BadPeriod           weeks that do not exist, the wrong way round, or too many; `word` is the key of its words
    └── NoTimeZone          this machine does not know Europe/Copenhagen
"""
