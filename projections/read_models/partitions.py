"""Partitions: up to which offset the definitions are in force in each, now and at every moment of the past."""

from domain import journal as j
from projections import tables
from projections.changes import RowChanges
from projections.read_models.model import ReadModel
from schemas.event_log import Record


def _advanced(changes: RowChanges, event: j.CatalogueAdvanced, record: Record) -> None:
    changes.partitions.set(record.partition, {"catalogue_offset": event.offset})
    changes.catalogue_advances.insert(
        (record.partition, record.offset),
        {"partition": record.partition, "offset": record.offset, "catalogue_offset": event.offset},
    )


def _reconciled(changes: RowChanges, event: j.CatalogueReconciled, record: Record) -> None:
    changes.partitions.set(record.partition, {"reconciled_offset": event.offset})


MODEL = ReadModel(
    name="partitions",
    tables=(tables.partitions, tables.catalogue_advances),
    journal={j.CatalogueAdvanced: _advanced, j.CatalogueReconciled: _reconciled},
)
