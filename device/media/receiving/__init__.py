"""What the station receives: packets put in order, decoded in the receiver's thread, shown in the ring and played.

The buffers stand where aiortc's jitter buffers would (`device.media.aiortc_hooks`): `add` is called on the loop with
each packet, and what it releases is decoded in the receiver's decoder thread. Pictures are decoded while the gate is
still shut, so that the newest is there at once when it opens; sound is not.

Nothing is imported here: `remote` is needed before a station is ready, and the rest, with aiortc, only for a call.
"""
