"""The technician's and the staff's console: a station's whole state in a terminal, over ssh or on its own keyboard.

It talks to the two processes' sockets and looks at the pictures they show; it opens no device of its own.
"""
