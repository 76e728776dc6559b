"""The action of a provider without settings: it fails at once and says which ones to give."""

from typing import Any

from domain.action import ActionResult, WorkflowAction
from domain.contact import Contact


class UnconfiguredAction(WorkflowAction):
    """Answers every call with `not_configured`; retry the incident after a restart with settings."""

    action_type = ""
    channel = ""

    def __init__(self, action_type: str, channel: str, settings: str) -> None:
        self.action_type = action_type
        self.channel = channel
        self._settings = settings

    async def execute(self, contact: Contact, config: dict[str, Any], state: dict[str, Any]) -> ActionResult:  # noqa: ARG002
        """Fail, for good."""
        return ActionResult.failed(
            "not_configured", f"{self.action_type} has no provider: set {self._settings}, restart the worker and retry"
        )
