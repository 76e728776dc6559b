"""What a check found."""

from typing import Literal, NamedTuple

Status = Literal["ok", "warning", "failed", "skipped"]


class Finding(NamedTuple):
    """One line of `headrace doctor`; anything but `ok` and `skipped` says how to mend it."""

    check: str
    status: Status
    detail: str
    mend: str = ""
