"""A backtest's report as plain data: what the command line prints, the API answers and a build reads."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from domain.backtest.difference import CHANGES, Difference
from domain.backtest.measures import Limit, Prices, measure, trips
from domain.backtest.path import Path, Visit
from domain.backtest.tally import Tally
from domain.times import format_time
from projections.backtest.plan import Candidate, Plan, Result

_TURNS: Final = 20


def report(
    plan: Plan, result: Result, *, names: Mapping[str, str], prices: Prices, limits: Sequence[Limit]
) -> dict[str, Any]:
    """All that there is to say.

    Args:
        plan: what was done.
        result: what came of it.
        names: the workflows' names, by id.
        prices: what sending costs.
        limits: what may not be.
    """
    measures = [measure(tally, prices) for tally in result.tallies]
    order = _order(plan)
    sides = [
        {"label": side.label, "version": side.version if isinstance(side, Candidate) else None, "measures": numbers}
        | _side(tally, order, names)
        for side, tally, numbers in zip(plan.sides, result.tallies, measures, strict=True)
    ]
    old = measures[0] if plan.compares else None
    window = plan.window
    return {
        "workflow": {"id": window.workflow_id, "name": names.get(window.workflow_id)},
        "window": {"since": format_time(window.since_ms), "until": format_time(window.until_ms)},
        "outcomes": plan.assumed,
        "facts": result.facts,
        "events": result.events,
        "new": sides[-1],
        "old": sides[0] if plan.compares else None,
        "difference": _difference(result.difference) if result.difference else None,
        "limits": [_limit(limit, trips(limit, measures[-1], old, result.difference)) for limit in limits],
    }


def _limit(limit: Limit, broken: str | None) -> dict[str, Any]:
    return {"limit": limit.text, "broken": broken is not None, "reason": broken}


def _order(plan: Plan) -> dict[str, int]:
    """Where each step stands in its definition, the newest one's first."""
    documents = [side.document for side in reversed(plan.sides) if isinstance(side, Candidate)]
    ids = dict.fromkeys(str(step.get("id")) for document in documents for step in document.get("steps", ()))
    return {step_id: index for index, step_id in enumerate(ids)}


def _side(tally: Tally, order: Mapping[str, int], names: Mapping[str, str]) -> dict[str, Any]:
    steps = sorted(tally.steps.items(), key=lambda item: order.get(item[0], len(order)))
    return {
        "ends": tally.ends,
        "skipped": tally.skipped,
        "failures": tally.failures,
        "steps": [{"step_id": step_id, **msgspec.to_builtins(counts)} for step_id, counts in steps],
        "channels": msgspec.to_builtins(tally.channels),
        "days": [{"date": date, **msgspec.to_builtins(counts)} for date, counts in sorted(tally.days.items())],
        "started": [
            {"workflow_id": workflow_id, "name": names.get(workflow_id), **msgspec.to_builtins(counts)}
            for workflow_id, counts in tally.started.items()
        ],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    turns: list[dict[str, Any]] = [
        {"old": was, "new": now, "contacts": count}
        for was, instead in difference.turns.items()
        for now, count in instead.items()
    ]
    samples = [
        {"contact_id": contact_id, "change": change, "old": list(map(_path, old)), "new": list(map(_path, new))}
        for change in CHANGES
        for _, contact_id, old, new in sorted(difference.samples.get(change, ()), key=lambda one: one[:2], reverse=True)
    ]
    return {
        "contacts": difference.contacts,
        "changed": difference.changed,
        "changes": difference.changes,
        "turns": sorted(turns, key=_most_contacts)[:_TURNS],
        "samples": samples,
    }


def _most_contacts(turn: dict[str, Any]) -> tuple[Any, ...]:
    return -turn["contacts"], turn["old"], turn["new"]


def _path(path: Path) -> dict[str, Any]:
    return {
        "enrollment_id": path.enrollment_id,
        "trigger": path.trigger_type,
        "enrolled_at": format_time(path.enrolled_at_ms),
        "end": path.end,
        "ended_at": _time(path.ended_ms),
        "reason": path.reason,
        "steps": list(map(_visit, path.visits)),
    }


def _visit(visit: Visit) -> dict[str, Any]:
    return {
        "step_id": visit.step_id,
        "step_type": visit.kind,
        "visit": visit.visit,
        "at": format_time(visit.at_ms),
        "done_at": _time(visit.done_ms),
        "status": visit.status,
        "branch": visit.branch,
        "channel": visit.channel,
        "outcome": visit.outcome,
        "sms_parts": visit.parts or None,
        "code": visit.code,
        "content": f"{visit.content:014x}" if visit.content else None,
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else format_time(at_ms)
