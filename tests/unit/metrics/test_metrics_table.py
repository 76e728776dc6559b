"""The table of metrics is what the parts show, no more and no less, and no label could name a contact."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import ApiMetrics
from headrace.metrics import RoleMetrics, metrics_text
from projections.metrics import ProjectionMetrics
from projections.verify.metrics import VerifyMetrics
from schemas.metrics import ROLES, BatchHistogram
from streams.gauges import EngineGauges
from streams.metrics import EngineMetrics

SPECS = list({spec.name: spec for specs in ROLES.values() for spec in specs}.values())
LABELS = {"topic", "partition", "type", "channel", "outcome", "reason", "method", "route", "status"}
LATENESS = "headrace_timer_lateness_seconds"


def families(text):
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def shown_by_all_parts():
    role = RoleMetrics("dev")
    EngineMetrics(role.registry)
    EngineGauges(role.registry, None, None, ())
    ProjectionMetrics(role.registry)
    VerifyMetrics(role.registry)
    ApiMetrics(role.registry)
    return families(metrics_text(role.registry))


def test_the_parts_show_the_table_and_nothing_else():
    ours = {name: family.type for name, family in shown_by_all_parts().items() if name.startswith("headrace_")}
    assert ours == {spec.name.removesuffix("_total"): spec.kind for spec in SPECS}


def test_the_process_shows_itself_too():
    assert {"process_cpu_seconds", "python_gc_collections"} <= set(shown_by_all_parts())


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_metric_is_named_by_the_rules(spec):
    assert re.fullmatch(r"headrace_[a-z_]+", spec.name)
    assert spec.name.endswith("_total") == (spec.kind == "counter")
    assert bool(spec.buckets) == (spec.kind == "histogram")
    assert list(spec.buckets) == sorted(set(spec.buckets))
    assert spec.help.endswith(".") or spec.kind == "gauge"
    assert set(spec.labels) <= LABELS | ({"version", "python", "role"} if spec.name == "headrace_build_info" else set())


@given(st.lists(st.lists(st.floats(0, 10_000), max_size=20), max_size=5))
def test_many_values_at_once_are_counted_as_one_by_one(batches):
    spec = next(spec for spec in SPECS if spec.name == LATENESS)
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    batched = BatchHistogram(ours, LATENESS)
    single = Histogram(spec.name, spec.help, registry=theirs, buckets=spec.buckets)
    for batch in batches:
        batched.observe_all(batch)
        for value in batch:
            single.observe(value)

    def samples(registry):
        found = families(metrics_text(registry))[LATENESS].samples
        return {(s.name, s.labels.get("le")): pytest.approx(s.value) for s in found if not s.name.endswith("_created")}

    assert samples(ours) == samples(theirs)


async def test_a_look_that_fails_or_hangs_keeps_nobody_from_the_other_figures(monkeypatch):
    import asyncio

    import headrace.metrics

    monkeypatch.setattr(headrace.metrics, "_PATIENCE_S", 0.01)
    role, looked = RoleMetrics("worker"), []

    async def fails():
        raise OSError

    async def hangs():
        await asyncio.Event().wait()

    async def looks():
        looked.append(1)

    for look in (fails, hangs, looks):
        role.before_reading(look)
    build = families(await role.text())["headrace_build_info"]
    assert looked == [1]
    assert [(sample.value, sample.labels["role"]) for sample in build.samples] == [(1, "worker")]
