"""The Grafana dashboard asks for metrics that there are, with labels that they have, and leaves none out."""

import json
import re
from pathlib import Path

import pytest

from schemas.metrics import ROLES

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations"
DASHBOARD = json.loads((OPERATIONS / "grafana-dashboard.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SPECS = {spec.name: spec for specs in ROLES.values() for spec in specs}
OUTSIDE = {"job", "instance", "le"}


def series(spec):
    """The names under which Prometheus keeps a metric."""
    return [f"{spec.name}_{part}" for part in ("bucket", "sum", "count")] if spec.kind == "histogram" else [spec.name]


NAMES = {name: spec for spec in SPECS.values() for name in series(spec)}


def asked(expression):
    return re.findall(r"\bheadrace_[a-z_]+", expression)


def test_every_metric_has_a_panel():
    shown = {NAMES[name].name for panel in PANELS for target in panel["targets"] for name in asked(target["expr"])}
    assert shown == set(SPECS)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_there_is(panel):
    assert panel["description"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    for target in panel["targets"]:
        expression = target["expr"]
        assert asked(expression), expression
        assert set(asked(expression)) <= set(NAMES), expression
        labels = OUTSIDE.union(*(NAMES[name].labels for name in asked(expression)))
        grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(",")}
        legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert grouped | legend <= labels, expression
        for name in asked(expression):
            counts = NAMES[name].kind in ("counter", "histogram")
            assert counts == bool(re.search(rf"(rate|increase)\({name}\b", expression)), f"{name}: rates for counters"
        assert expression.count("(") == expression.count(")")


def test_the_data_source_and_the_job_can_be_chosen():
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    assert set(asked(variables["job"]["query"]["query"])) <= set(NAMES)
    used = set(re.findall(r"\$(\w+)", " ".join(t["expr"] for panel in PANELS for t in panel["targets"])))
    assert used - {"__rate_interval"} <= set(variables)


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_the_alerts_of_the_docs_name_metrics_that_there_are():
    page = (OPERATIONS / "metrics.md").read_text(encoding="utf-8")
    alerts = page[page.index("## What to be woken by") :]
    assert set(asked(alerts)) <= set(NAMES)
