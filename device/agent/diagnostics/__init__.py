"""What the region may learn of this station when it asks: a bundle, redacted, bounded, handed in over mutual TLS.

The journal of our own units (`excerpt`), without what could be somebody's (`redacting`), health, figures, the config
without names and secrets, and the commands (`bundle`). Nothing of it is kept here.
"""
