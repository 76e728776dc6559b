"""What the language knows of a step kind: the model of its `config`, and how that becomes what the engine runs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from domain.definition import TemplateText
from schemas.definition.checking import Model, Report
from schemas.definition.positions import Path
from schemas.definition.steps.config_schema import ConfigSchema

Templates = Mapping[str, TemplateText]
"""The named texts, as they are pinned when a version is published."""


class Config(Model):
    """The `config` of a step."""

    RENDERED: ClassVar[tuple[str, ...]] = ()
    """The keys whose text is Liquid."""

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Every text that is rendered for each contact, and where it stands."""
        for name in self.RENDERED:
            value = getattr(self, name)
            if isinstance(value, str):
                yield (name,), value

    def check(self, report: Report, path: Path) -> bool:  # noqa: ARG002 most kinds are checked by their models alone
        """Report what the model can't say well; whether the config can be used."""
        return True

    def mend_branch(self, name: str) -> str:  # noqa: ARG002 most kinds have the same branches always
        """What would let the step take a branch of this name, which it can't as it is; empty when nothing would."""
        return ""


def no_branches(_: Any) -> tuple[str, ...]:
    """Most steps go on in one direction only."""
    return ()


class StepKind(NamedTuple):
    """One row of the table of step kinds."""

    name: str
    config: type[Config]
    compile: Callable[[Any, Templates], Any]
    """From the checked config to the frozen config type of `domain.steps`."""
    branches: Callable[[Any], tuple[str, ...]] = no_branches
    """The names of the branches that a step with this config can take."""
    needs_branches: bool = True
    """Whether it is worth a warning when a branch is not written."""
    goes_on: bool = True
    """False for a step that always ends the enrollment."""
    shape: ConfigSchema | None = None
    """What a plug-in declares of its config; `config` then takes anything."""


def leaves(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in a nested structure, and where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
