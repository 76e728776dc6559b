"""What a partition's owner needs to know beside its inputs. Spans of time are engine milliseconds."""

from pathlib import Path
from typing import Final

import msgspec

from domain.asking import ASK_AFTER_MS
from domain.catalogue import Catalogue
from domain.decision import Context
from schemas.topics import ENGINE_GROUP, Topics

GROUP: Final = ENGINE_GROUP
"""The consumer group of the engine."""
TIMEOUT_SHARE: Final = 1.25
"""A step's own time-out (real milliseconds) ends before its attempt's deadline, so that its outcome is heard."""


class PartitionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the partition actors of one worker."""

    directory: Path
    """Where the local stores live."""
    topics: Topics = Topics()
    partitions: int | None = None
    """How many there are, to tell which input stands on the wrong one; None: what comes is taken as it comes."""
    time_scale: float = 1.0
    """Engine milliseconds per real millisecond."""
    from_start_fires: bool = False
    """Whether input older than the very first start fires triggers."""
    max_events: int = 2_000
    """Journal events in one transaction, about."""
    max_timers: int = 500
    """Contacts whose timers fire in one transaction."""
    max_queued_bytes: int = 4 * 1024 * 1024
    """How much input may wait for its partition's next transaction. In bytes, not in batches: under a steady load there
    are many batches of a record or two, and a transaction should take them all."""
    hold_late_ms: int | None = None
    """How late a step may run whose definition says nothing of lateness; later ones are held. None: however late."""
    phone_region: str | None = None
    """The country (ISO 3166) of phone numbers that name none."""
    per_second: dict[str, float] = {}
    """Messages that may begin in a real second, by channel, in the whole worker; a channel that is not named has no limit."""
    max_input_bytes: int = 1_048_576
    """Input values over this size go to the dead letters before anything is decided."""
    start_within_ms: int = 10_000
    """How long after its journaling an attempt may start."""
    answer_within_ms: int = 30_000
    """How long after its journaling an attempt's outcome is waited for (longer when the step's own time-out is), and the
    answer to a question about one."""
    ask_after_ms: tuple[int, ...] = ASK_AFTER_MS
    """When a provider is asked what became of an attempt whose outcome is unknown: after the attempt, and after each
    answer that it knows nothing of it."""

    def outcome_within_ms(self, timeout_ms: int) -> int:
        """How long the outcome of an attempt is waited for whose step has this time-out (in real milliseconds)."""
        return max(self.answer_within_ms, int(timeout_ms * self.time_scale * TIMEOUT_SHARE))

    def context(self, now_ms: int, catalogue: Catalogue) -> Context:
        """What `decide` may know beside the state."""
        return Context(
            now_ms=now_ms,
            catalogue=catalogue,
            hold_late_ms=self.hold_late_ms,
            ask_after_ms=self.ask_after_ms,
            answer_within_ms=self.answer_within_ms,
            phone_region=self.phone_region,
        )
