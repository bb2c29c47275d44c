"""The station's half of provisioning: its key and certificate on disk, and how it gets them.

Errors (`code` is the stable word that a screen, a log and `AgentView.enrolment_error` show)::

    ProvisioningError
    ├── StateUnusable           the state directory cannot be written, or what is there is damaged
    └── EnrolmentFailed         not enrolled yet; `lasting` tells that only another code file will help
        ├── CodeFileMissing     there is no code file to enrol with                 (lasting)
        ├── CodeFileMalformed   it is there, but it is not one of ours              (lasting)
        ├── RegionFileMalformed a region file is there, but it is not one of ours    (lasting)
        ├── RegionUnreachable   no connection, no answer, or the region is in trouble itself
        ├── RegionNotTrusted    whoever answers is not the region that the code file names
        ├── ClockNotSet         the region's certificate is not valid yet: this clock is behind
        ├── BadAnswer           the region answers something that is no certificate of ours
        └── Refused             the region says no; `code` is its word              (mostly lasting)
"""
