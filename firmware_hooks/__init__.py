"""What runs on a station at boot, before its processes, and what they may not do themselves. Standard library only: it
must work when all else is broken.

    python -m firmware_hooks take-code       as root: move a code file from the boot partition to the agent
    python -m firmware_hooks first-boot      is this machine fit to be a station: id, name, directories, code file
    python -m firmware_hooks boot-check      can this boot be trusted: disk, clock, power
    python -m firmware_hooks set-clock       set the clock as station-agent asks, who has the region's word for it

Several can be named at once; the exit code is then the worst of theirs.

The exit codes are the contract with `systemd/system/laegeknap-{code,boot,clock}.service` and with whoever runs a hook::

    0    ok: nothing to say
    10   degraded: the station starts, and something will trouble it (the outcome says what)
    20   failed: the station cannot do its work (the outcome says what); it is started all the same, to say so
    64   called wrongly, or a config that cannot be read; nothing was done

Each hook writes its outcome to `<runtime_dir>/<hook>.json`, whole or not at all, for the agent to report::

    {"v": 1, "hook": "boot-check", "outcome": "degraded", "boot": "<kernel's boot id>", "at": 1800000000.0,
     "findings": [{"check": "power", "state": "degraded", "detail": "under_voltage"}, ...]}

`outcome` and `state` are ok, degraded or failed; `detail` is a stable word, never free text, never a secret.

Errors::

    HookError           a hook could not run at all (exit code 64)
    └── ConfigUnreadable  station.toml is there and cannot be understood
"""
