"""`region serve`: the region put together of its subjects, and run.

`options.py` is how it was asked to run, `outside.py` what it stands on, `app.py` puts it together; `wire.py` is what
stations say and are told, `duty.py` what one process does at a time, `renewal.py` keeps its own certificates young.
"""
