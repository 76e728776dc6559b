"""A step kind that a plug-in brings: its action gets the config, with all text in it rendered."""

from typing import Any

import msgspec

from domain.fields import Scope
from domain.secrets import secret_uses
from domain.steps.outcome import Ask, Outcome
from domain.templates import render_value
from domain.workflow import Step


class PlugIn(msgspec.Struct, frozen=True, kw_only=True):
    """The config as it is written, its text compiled; the action's channel, which bounds how many run at once."""

    channel: str
    config: dict[str, Any] = {}


def enter(step: Step, scope: Scope) -> Outcome:
    """Ask for the action to be executed."""
    config: PlugIn = step.config
    uses = tuple(secret_uses(config.config, scope))
    return Ask(channel=config.channel, request=render_value(config.config, scope), secrets=uses)
