"""Sound in a room: what the speaker plays is kept out of what the microphone sends, and speech is made easy to hear.

`far_end` keeps the two sound cards' streams together, `voice` is the adapter to WebRTC's audio processing, `room` puts
both between the speaker's thread and the microphone's, `apart` tells where there is no echo to cancel, `yielding` plays
the clinician softer while the resident speaks, `shaping` is what else is done to the clinician's sound before it is
played, `selftest` judges a chirp from the speaker into the microphone.
docs/decisions/0017-sound-in-a-room.md says why it is so.
"""
