"""Pictures and sound of the station: captured, encoded once, fanned out to peers; received, decoded, shown and played.

Threads: the camera's, the microphone's and the speaker's (their backend's), one that encodes pictures, and one that
decodes pictures a peer connection (aiortc's). They meet the loop only through bounded queues.

Errors::

    StationError
    └── MediaError          `code` is a stable word for counters
        ├── CodecFailed     an encoder or decoder would not open or work
        ├── CancellerFailed the echo canceller would not load or work
        ├── NoVoice         the station has no voice to say words with
        ├── NoStill         no still can be had; its code says why
        └── BadDescription  an answer or candidate that is not one we can take; the peer stays as it was
            └── Flood       more candidates than one peer connection takes
"""
