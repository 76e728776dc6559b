"""Step kind `exit`: its `config`."""

from domain.steps.exit import Exit
from schemas.definition.steps.kind import Config, StepKind, Templates
from schemas.definition.values import Name


class ExitConfig(Config):
    """Why the enrollment leaves here, for reports."""

    reason: Name | None = None


def _compile(config: ExitConfig, _: Templates) -> Exit:
    return Exit() if config.reason is None else Exit(reason=config.reason)


KIND = StepKind("exit", ExitConfig, _compile, goes_on=False)
