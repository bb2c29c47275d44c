"""The region's whole application in memory: its pages, API and commands on a real database, without a server."""
