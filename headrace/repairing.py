"""Applying a repair's plan: one command for each visit, at a pace, and what came of each."""

import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Final

import msgspec

from headrace.api_client import ApiClient, ApiProblem, ApiUnreachable
from headrace.repair_plan import Group, Item, Plan

AT_ONCE: Final = 16
"""Requests that are under way at once, each of which waits until its result is shown."""
REPAIRED: Final = "repaired"
HARMLESS: Final = frozenset({REPAIRED, "moved_on", "not_late"})
"""Results that leave nothing to do: it was done, or went on by itself."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one visit: `repaired`, or the code of the refusal."""

    enrollment_id: str
    contact_id: str
    workflow: str
    step_id: str
    do: str
    result: str
    detail: str = ""


def apply_plan(api: ApiClient, plan: Plan, *, by: str, note: str, rate: float) -> Iterator[Outcome]:
    """Send what the plan settles, at most `rate` a second, and give each outcome as it comes.

    Broken off, what was sent is still waited for; the rest is sent when the same plan is applied again.

    Raises:
        ApiUnreachable: nothing answers any more.
    """
    began = time.monotonic()
    under_way: set[Future[Outcome]] = set()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for number, (group, item) in enumerate(plan.settled):
                while len(under_way) >= AT_ONCE or (under_way and time.monotonic() < began + number / rate):
                    left = max(0.0, began + number / rate - time.monotonic())
                    timeout = None if len(under_way) >= AT_ONCE else left
                    done, under_way = wait(under_way, timeout=timeout, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
                under_way.add(pool.submit(_repair, api, plan.id, group, item, by, note))
        finally:
            done, _ = wait(under_way)
        yield from (future.result() for future in done)


def _repair(api: ApiClient, plan_id: str, group: Group, item: Item, by: str, note: str) -> Outcome:
    body: dict[str, Any] = {"as": group.do, "step_id": group.step_id, "visit": item.visit, "by": by, "note": note}
    key = f"repair/{plan_id}/{group.step_id}/{item.visit}"  # the enrollment stands in the path, which counts too
    result, detail = REPAIRED, ""
    try:
        api.post(f"/enrollments/{item.enrollment_id}/repair", body, key=key)
    except ApiUnreachable:
        raise
    except ApiProblem as problem:
        result, detail = str(problem.problem.get("code", "refused")), str(problem)
    return Outcome(
        enrollment_id=item.enrollment_id,
        contact_id=item.contact_id,
        workflow=group.workflow,
        step_id=group.step_id,
        do=group.do,
        result=result,
        detail=detail,
    )
