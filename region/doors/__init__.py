"""Where the region listens: the ports, and the HTTP servers on them. Who comes in is not for the doors to say."""
