"""The station's hardware: small ports (`ports`), a backend for each kind of station, and `factory.make_hardware`.

Errors::

    StationError
    └── HardwareError       the hardware, or the choice of it, cannot do what was asked
        ├── DeviceMissing   the device is not there
        └── DeviceFailed    the device is there and does not work
"""
