"""Real programs of this machine, each one of a test's own on free ports, and the lines between them."""
