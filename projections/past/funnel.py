"""A workflow's numbers as of a moment: the enrollments that have moved on since, folded from the journal up to then."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from projections.changes import RowChanges
from projections.past.scattered import RecordReader, records_at
from projections.read_models import enrollments, executions
from schemas.journal import decode_event
from schemas.topics import JOURNAL

_BREATH: Final = 64
_MODELS: Final = (enrollments.MODEL, executions.MODEL)


class Funnel(msgspec.Struct, frozen=True):
    """How many enrollments have which status, and how many visits of a step of a kind have which status."""

    enrollments: Counter[str]
    steps: Counter[tuple[str, str, str]]


async def funnel(log: RecordReader, places: Mapping[int, Mapping[str, Sequence[int]]]) -> Funnel:
    """The numbers of some enrollments, each folded by the read models' own folds.

    Args:
        log: where the journal is.
        places: by partition and enrollment id, the offsets of the enrollment's events up to the moment.
    """
    found = Funnel(Counter(), Counter())
    for partition, of_enrollments in places.items():
        owner = {offset: id_ for id_, offsets in of_enrollments.items() for offset in offsets}
        left = {id_: len(offsets) for id_, offsets in of_enrollments.items()}
        rows: dict[str, RowChanges] = {}  # only of enrollments in the middle of their events
        async for record in records_at(log, JOURNAL, partition, sorted(owner)):
            if record.offset % _BREATH == 0:
                await asyncio.sleep(0)  # others share this loop
            id_ = owner[record.offset]
            changes = rows.get(id_) or rows.setdefault(id_, RowChanges())
            event = decode_event(record.value or b"")
            for model in _MODELS:
                fold = model.journal.get(type(event))
                if fold is not None:
                    fold(changes, event, record)
            left[id_] -= 1
            if not left[id_]:
                _count(found, rows.pop(id_))
    return found


def _count(found: Funnel, changes: RowChanges) -> None:
    found.enrollments.update(row["status"] for row in changes.enrollments.new.values())
    found.steps.update((row["step_id"], row["step_type"], row["status"]) for row in changes.executions.new.values())
