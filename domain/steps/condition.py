"""Step kind `condition`: take the branch `true` or `false`."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec

from domain.conditions import Condition, compile_explained
from domain.fields import Scope
from domain.steps.outcome import Done, Outcome
from domain.workflow import Step


class ConditionStep(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is tested."""

    test: Condition

    @cached_property
    def explained(self) -> Callable[[Scope], tuple[bool, list[dict[str, Any]]]]:
        """The test, compiled once: its result and the operands as they were found."""
        return compile_explained(self.test)


def enter(step: Step, scope: Scope) -> Outcome:
    """Test now, and keep the operands as they were found."""
    config: ConditionStep = step.config
    result, operands = config.explained(scope)
    return Done(input={"conditions": operands}, output={"result": result}, branch="true" if result else "false")
