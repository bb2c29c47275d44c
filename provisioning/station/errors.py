"""The error tree of the station's half; drawn in `provisioning/station/__init__.py`."""

from __future__ import annotations


class ProvisioningError(Exception):
    """The station cannot be provisioned. `code` is a stable word."""

    code = "provisioning"


class StateUnusable(ProvisioningError):
    """The state directory cannot be written, or what is there is damaged."""

    code = "state_unusable"


class EnrolmentFailed(ProvisioningError):
    """Not enrolled yet. `lasting`: the same code file fails again; `retry_after_s`: when the region said to come."""

    code = "enrolment_failed"
    lasting = False
    retry_after_s = 0.0


class CodeFileMissing(EnrolmentFailed):
    """There is no code file to enrol with."""

    code = "no_code_file"
    lasting = True


class CodeFileMalformed(EnrolmentFailed):
    """The code file is there, but it is not one of ours."""

    code = "code_file_malformed"
    lasting = True


class RegionFileMalformed(EnrolmentFailed):
    """There is a region file, but it is not one of ours."""

    code = "region_file_malformed"
    lasting = True


class RegionUnreachable(EnrolmentFailed):
    """No connection, no answer, or the region is in trouble itself."""

    code = "region_unreachable"


class RegionNotTrusted(EnrolmentFailed):
    """Whoever answers is not the region that the code file names."""

    code = "region_not_trusted"


class ClockNotSet(EnrolmentFailed):
    """The region's certificate is not valid yet by this station's clock."""

    code = "clock_not_set"


class BadAnswer(EnrolmentFailed):
    """The region answers something that is no certificate of ours."""

    code = "bad_answer"


class Refused(EnrolmentFailed):
    """The region says no. `code` is the region's own word where it is one we know."""

    lasting = True

    def __init__(self, code: str, *, lasting: bool = True, retry_after_s: float = 0.0) -> None:
        super().__init__(f"the region refuses: {code}")
        self.code = code
        self.lasting = lasting
        self.retry_after_s = retry_after_s
