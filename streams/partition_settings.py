"""What a partition's owner needs to know beside its inputs. Spans of time are engine milliseconds."""

from pathlib import Path
from typing import Final

import msgspec

from domain.catalogue import Catalogue
from domain.decision import Context
from schemas.topics import ENGINE_GROUP, Topics

GROUP: Final = ENGINE_GROUP
"""The consumer group of the engine."""


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
    """How long after its journaling an attempt's outcome is waited for (longer when the step's own time-out is)."""

    def context(self, now_ms: int, catalogue: Catalogue) -> Context:
        """What deciding may know at a time, with the definitions that are in force."""
        return Context(
            now_ms=now_ms,
            catalogue=catalogue,
            hold_late_ms=self.hold_late_ms,
            phone_region=self.phone_region,
        )
