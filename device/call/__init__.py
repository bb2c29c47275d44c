"""station-call: the button, the light, and the call.

`session` decides (pure), `service` carries out, `signalling` speaks with the region, `engine` with the browser, `main`
puts them together.

Errors::

    StationError
    └── CallError
        ├── DevicesStuck        camera or microphone will not close: the process ends, so that the system closes them
        └── IdentityReplaced    the station was enrolled anew: the process ends and starts as what it is now
"""
