"""The one tree of errors; an error's docstring is its default message."""


class HeadraceError(Exception):
    """Headrace could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class InvalidTransition(HeadraceError):
    """A status change is not in the transition table."""


class JournalGap(HeadraceError):
    """A journal event does not follow the last one of its contact."""


class StepError(HeadraceError):
    """A step could not be run with the data at hand; `code` names why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
