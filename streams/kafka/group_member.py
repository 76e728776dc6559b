"""A worker as a member of the engine's consumer group: how long it may be silent, and how it reads."""

import msgspec


class GroupMember(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a member. Spans are milliseconds."""

    session_timeout_ms: int = 10_000
    """So long may a worker be silent before its partitions go to others."""
    heartbeat_interval_ms: int = 3_000
    rebalance_timeout_ms: int = 60_000
    """So long may the workers take to finish their transactions when partitions move."""
    max_poll_interval_ms: int = 3_600_000
    """A worker whose every partition is slow is not dead: heartbeats tell whether it lives."""
    request_timeout_ms: int = 40_000
    fetch_max_wait_ms: int = 25
    """A partition whose records are just being taken in is not asked for until the fetch in flight returns."""
    max_poll_records: int = 2_000
