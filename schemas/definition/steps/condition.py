"""Step kind `condition`: its `config` is a condition, its branches are `true` and `false`."""

from collections.abc import Iterator
from typing import Final

from domain.steps.condition import ConditionStep
from schemas.definition.conditions import ConditionModel
from schemas.definition.positions import Path
from schemas.definition.steps.kind import Config, StepKind, Templates

BRANCHES: Final = ("true", "false")


class ConditionConfig(ConditionModel, Config):
    """What is tested."""

    def texts(self, path: Path = ()) -> Iterator[tuple[Path, str]]:
        """The texts to compare with that are rendered first."""
        return ConditionModel.texts(self, path)


def _compile(config: ConditionConfig, _: Templates) -> ConditionStep:
    return ConditionStep(test=config.condition())


def _branches(_: ConditionConfig) -> tuple[str, ...]:
    return BRANCHES


KIND = StepKind("condition", ConditionConfig, _compile, _branches)
