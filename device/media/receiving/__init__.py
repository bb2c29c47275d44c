"""What the station receives: packets put in order, decoded in the receiver's thread, shown in the ring and played.

The buffers stand where aiortc's jitter buffers would (`device.media.aiortc_hooks`): `add` is called on the loop with
each packet, and what it releases is decoded in the receiver's decoder thread. Pictures are decoded while the gate is
still shut, so that the newest is there at once when it opens; sound is not.
"""

from device.media.receiving.picture_decoder import is_key_frame
from device.media.receiving.reception import PictureFigures, PictureReception, Wishes
from device.media.receiving.remote import Remote
from device.media.receiving.sound_buffer import SoundBuffer

__all__ = ["PictureFigures", "PictureReception", "Remote", "SoundBuffer", "Wishes", "is_key_frame"]
