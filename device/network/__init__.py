"""How the station gets on the network, and whom it asks for the time: NetworkManager and systemd-timesyncd, as ports.

Both are asked as the station's own user; what it may ask for stands in `systemd/polkit/`.
"""
