"""The front panel of a simulated station, in a browser on the same machine: its screen, button, light and speaker.

It presses the button for whoever opens it, so it serves loopback only, by a link that is good once, and no station but
a simulated one.

Errors::

    PanelError          the panel cannot be served; the text says what to do
"""


class PanelError(Exception):
    """The panel cannot be served."""
