"""The station and its parts in memory: its agent and call service, its neighbours, its hardware and what it shows."""
