"""What the log may refuse."""

from domain.errors import HeadraceError


class Fenced(HeadraceError):
    """Another owner was opened for this partition: leave at once and start again from the log."""


class TransactionFailed(HeadraceError):
    """A commit failed, and it may or may not stand in the log: leave the process and start again from the log."""


class TopicMismatch(HeadraceError):
    """A topic exists with other settings than Headrace needs."""


class UnknownTopic(HeadraceError):
    """There is no topic of this name; `headrace topics create` makes what is missing."""


class UnknownPartition(HeadraceError):
    """The topic has no partition of this number."""


class LogWriteFailed(HeadraceError):
    """The log could not write; nothing of what was to be committed stands in it."""


class LogClosed(HeadraceError):
    """The log was closed; open it again."""


class LogUnreadable(HeadraceError):
    """The log's files are not what this version of Headrace writes."""
