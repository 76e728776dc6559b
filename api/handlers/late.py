"""What is late, with what its definition says of it: what `headrace repair` plans from."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from aiohttp import web

from api.database import Database
from api.finding import find_version, find_workflow
from api.listing import list_page
from api.listings import LATE
from api.log_state import look_at_log
from api.responses import respond
from api.services import SERVICES
from domain.workflow import Workflow
from schemas.api_repair import Late, LateQuery
from schemas.definition import compile_workflow


async def list_late(request: web.Request, query: LateQuery) -> web.Response:
    """Enrollments whose step is late, or failed by its provider's fault, the latest first."""
    services = request.app[SERVICES]
    if query.workflow_id is not None:
        await find_workflow(services.database, query.workflow_id)
    state = await look_at_log(services)
    filters = {
        "now": datetime.fromtimestamp(state.as_of_ms / 1000, UTC),
        "late": timedelta(seconds=query.late_seconds),
        "workflow_id": query.workflow_id,
        "step_id": query.step_id,
    }
    page = await list_page(request, LATE, query, filters)
    ruled = [await _with_rule(services.database, item) for item in page.items]
    return respond(page.model_copy(update={"items": ruled}))


async def _with_rule(database: Database, item: Late) -> Late:
    if item.kind in ("held", "failed"):  # held is what no rule is for; what failed is not a matter of lateness
        return item
    version = await find_version(database, item.workflow_id, item.version)
    step = _compiled(str(item.workflow_id), item.version, version["document"]).steps.get(item.step_id)
    lateness = step.lateness if step else None
    if lateness is None:
        return item
    late_ms = item.late_seconds * 1000
    return item.model_copy(update={"rule": lateness.then if late_ms > lateness.max_ms else "run"})


@lru_cache(maxsize=64)
def _compiled(workflow_id: str, version: int, document: str) -> Workflow:
    """A version, which never changes; the texts of its templates say nothing of lateness."""
    content: dict[str, Any] = msgspec.json.decode(document)
    return compile_workflow(content, workflow_id=workflow_id, version=version, templates={})
