"""Headrace: the event-sourced workflow engine for CRM automation. Plug-ins import their base class from here."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domain.action import Action, ActionContext, ActionRegistry, ActionResult, WorkflowAction, calling

__all__ = ["Action", "ActionContext", "ActionRegistry", "ActionResult", "WorkflowAction", "calling"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `headrace --help` need not wait for any."""
    if name in __all__:
        return getattr(import_module("domain.action"), name)
    message = f"module 'headrace' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
