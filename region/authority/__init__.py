"""The authority as a role of its own: a process that holds the keys and nothing else, and how the others ask it.

`process.py` runs it (`region authority`), `client.py` asks it, `child.py` keeps one running below `region serve`.
What goes between them is one line of JSON each way over a Unix socket, as `wire.py` has it.
"""
