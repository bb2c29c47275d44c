"""Sending RTP: packing, headers, pacing, repairs and reports, all pure; `sender.Sender` puts them together on a `Line`.

Sound goes at once and always first; pictures leave no faster than the line's budget says; what is asked for again is
sent again only while it is of use and only for a share of that budget. Why not aiortc's own sender:
docs/decisions/0015-our-own-sender.md.
"""
