"""Step kind `ab_split`: its `config`; the branches are named as the paths."""

from typing import Annotated, Final

from pydantic import Field, model_validator

from domain.steps.ab_split import AbSplit
from schemas.definition.checking import wrong
from schemas.definition.steps.kind import Config, StepKind, Templates
from schemas.definition.values import Name

MAX_PATHS: Final = 100
_PATHS: Final = ("a", "b")


class AbSplitConfig(Config):
    """The paths and their shares; `a` and `b` when no paths are given, equal shares when no weights are."""

    paths: Annotated[list[Name], Field(min_length=1, max_length=MAX_PATHS)] | None = None
    weights: list[Annotated[float, Field(ge=0)]] | None = None

    @model_validator(mode="after")
    def _weights_go_with_paths(self) -> "AbSplitConfig":
        names = self.names
        twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
        if twice is not None:
            message = f"expected each path once, found '{twice}' twice"
            raise wrong("bad_value", message, "give every path a name of its own", at="paths")
        if self.weights is not None and len(self.weights) != len(names):
            message = f"expected {len(names)} weights, one for each path, found {len(self.weights)}"
            raise wrong("bad_weights", message, f"the paths are: {', '.join(names)}", at="weights")
        if self.weights is not None and not 0 < sum(self.weights) < float("inf"):
            message = (
                "expected at least one weight above 0, found none"
                if not sum(self.weights)
                else "the weights are too large"
            )
            raise wrong("bad_weights", message, "as `weights: [50, 50]`", at="weights")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The paths' names."""
        return _PATHS if self.paths is None else tuple(self.paths)


def _compile(config: AbSplitConfig, _: Templates) -> AbSplit:
    names = config.names
    weights = config.weights or [1.0] * len(names)
    total = sum(weights)
    return AbSplit(paths=names, weights=tuple(weight / total for weight in weights))


def _branches(config: AbSplitConfig) -> tuple[str, ...]:
    return config.names


KIND = StepKind("ab_split", AbSplitConfig, _compile, _branches)
