"""What a host needs to know to deliver batches, whatever log they come from."""

from collections.abc import Callable

import msgspec


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on what is read ahead of one partition. A batch ends at about a megabyte even if it has fewer records."""

    max_batch_records: int = 500
    max_waiting_batches: int = 2
    """How many batches may be read and not yet handled, the one in its handler's hands included, where reading is by
    partition and as large as what waits."""
    max_waiting_bytes: int = 2 * 1024 * 1024
    """How much may be, where one fetch reads all partitions and brings of each what came in the meantime."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Where delivery begins, how far it runs ahead, and who hears when it fails."""

    start_position: Callable[[str, int], int | None]
    """Gives the offset at which a topic's partition is read first (None: not at all); asked when the host starts, and
    whenever the partitions that it is assigned may have changed."""
    on_crash: Callable[[BaseException], None]
    """Is told, once, why nothing more is delivered. Records are never skipped: leave, and start again from the log."""
    settings: DeliverySettings = DeliverySettings()
