"""What the projector measures: its batches, and how far it is behind."""

from prometheus_client import CollectorRegistry

from projections.metrics import ProjectionMetrics
from tests.integration.projections.test_projector import caught_up, log, projecting
from tests.support.engine_spec import Spec
from tests.support.journals import write
from tests.support.random_lives import WORKFLOWS

__all__ = ["log"]


async def test_lag_and_batches(log, read_side_url):
    registry = CollectorRegistry()
    metrics = ProjectionMetrics(registry)
    spec = Spec(*WORKFLOWS).created()

    def value(name, **labels):
        return registry.get_sample_value(f"headrace_projection_{name}", labels)

    async with projecting(log, read_side_url, metrics=metrics) as projector:
        await caught_up(log, projector)
        behind = dict(projector.checkpoints)
        await write(log, spec.last)
        await caught_up(log, projector)
        (partition,) = [
            number for (topic, number), at in projector.checkpoints.items() if at and topic.endswith("journal")
        ]

        await metrics.look(log, projector.checkpoints, lambda: log.now_ms + 90_000)
        assert value("lag_records", partition=str(partition)) == 0
        assert value("lag_seconds") == 0
        await metrics.look(log, behind, lambda: log.now_ms + 90_000)
        assert value("lag_records", partition=str(partition)) == len(spec.last)
        assert value("lag_seconds") == 90

    written = registry.get_sample_value("headrace_projected_records_total", {"topic": "headrace.journal"})
    assert written == len(spec.last)
    assert value("batch_records_sum") == len(spec.last) + 2  # and the two definitions
    assert value("batch_seconds_count") == value("batch_records_count") >= 2
