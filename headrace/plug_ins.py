"""Actions of installed plug-ins: found by the entry point `headrace.actions`, each one a step kind of the language."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from domain.action import WorkflowAction
from domain.errors import HeadraceError
from schemas.definition.steps import add_plug_in

GROUP: Final = "headrace.actions"


class UnusablePlugIn(HeadraceError):
    """An installed plug-in can't be used; mend or uninstall it."""


@cache
def load_plug_ins() -> tuple[WorkflowAction, ...]:
    """Every installed action, sorted by its type. From then on this process reads definitions that use them.

    Raises:
        UnusablePlugIn: one can't be imported, is no action, or has a type that is taken.
    """
    found: dict[str, WorkflowAction] = {}
    for entry in sorted(entry_points(group=GROUP)):
        action = _load(entry)
        if action.action_type in found:
            raise UnusablePlugIn(f"two plug-ins bring the step kind {action.action_type!r}; uninstall {_words(entry)}")
        found[action.action_type] = action
    return tuple(found[kind] for kind in sorted(found))


def _load(entry: EntryPoint) -> WorkflowAction:
    try:
        loaded = entry.load()
        action = loaded() if isinstance(loaded, type) else loaded
        if not isinstance(action, WorkflowAction):
            message = f"expected a subclass of headrace.Action, found {loaded!r}"
            raise TypeError(message)  # noqa: TRY301 told with all else that is wrong with it
        add_plug_in(action)
    except Exception as error:
        message = f"{_words(entry)} can't be used: {type(error).__name__}: {error}; mend or uninstall it"
        raise UnusablePlugIn(message) from error
    return action


def _words(entry: EntryPoint) -> str:
    source = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
    return f"the plug-in {entry.name!r}{source} ({entry.value})"
