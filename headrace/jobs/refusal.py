"""A job that says no: what it was asked for is not there, or makes no sense."""

from typing import Any

from domain.errors import HeadraceError


class Refused(HeadraceError):
    """The job can't be done as it was asked for."""

    def __init__(self, detail: str, *, code: str, status: int = 422, **extras: Any) -> None:
        """Say why.

        Args:
            detail: what was expected, what was found and what to do.
            code: a short name of the reason, for programs.
            status: the HTTP status that fits.
            extras: what else the problem tells (`diagnostics` of a definition).
        """
        super().__init__(detail)
        self.code, self.status, self.extras = code, status, extras
