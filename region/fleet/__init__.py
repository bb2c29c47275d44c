"""The fleet: which stations are there, how each is, and whether a call would work now."""
