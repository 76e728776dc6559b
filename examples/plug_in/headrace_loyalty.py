"""The step kind `award_points`: gives a contact points in the loyalty service at LOYALTY_URL."""

import os
from http import HTTPStatus
from typing import Any

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from headrace import Action, ActionContext, ActionResult


class AwardPointsConfig(BaseModel):
    """The `config` of a step: checked at import, with line and column, and known to editors by `headrace schema`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    points: int = Field(ge=1, le=10_000, description="How many.")
    reason: str = Field("a gift", min_length=1, max_length=200, description="Liquid, as every text of a step.")
    token: str = Field(description="The service's token: a reference, as {{ secrets.LOYALTY_TOKEN }}.")


class AwardPoints(Action):
    """Posts the award. The service takes each key once, so an attempt whose answer was lost may be repeated."""

    action_type = "award_points"
    config_schema = AwardPointsConfig

    async def execute(self, contact: Any, config: dict[str, Any], state: dict[str, Any]) -> ActionResult:
        """Give the points; `steps.<id>.output.award` is the award's id, `enrollment.state.points` what was given so far."""
        context = ActionContext.current()
        award = {"customer": contact.id, "points": config["points"], "reason": config.get("reason", "a gift")}
        headers = {"Authorization": f"Bearer {config['token']}", "Idempotency-Key": context.idempotency_key}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=context.timeout_s)) as session,
            session.post(f"{os.environ['LOYALTY_URL']}/awards", json=award, headers=headers) as answer,
        ):
            # A connection that breaks raises, which Headrace takes as unknown, and a refused one as not sent.
            if not answer.ok:
                busy = (
                    answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
                )
                words = f"The service answered {answer.status}"
                return ActionResult.failed(f"loyalty_{answer.status}", words, retryable=busy)
            award_id = (await answer.json())["id"]
        given = state.get("points", 0) + config["points"]
        return ActionResult.succeeded({"award": award_id}, state={**state, "points": given}, provider_id=award_id)
