"""Step kinds `add_tag` and `remove_tag`."""

import msgspec

from domain.errors import StepError
from domain.fields import Scope
from domain.steps.outcome import Change, Done, Outcome
from domain.templates import Template
from domain.workflow import Step


class AddTag(msgspec.Struct, frozen=True, kw_only=True):
    """The tag to put on the contact."""

    tag: Template


class RemoveTag(msgspec.Struct, frozen=True, kw_only=True):
    """The tag to take off the contact."""

    tag: Template


def add(step: Step, scope: Scope) -> Outcome:
    """Tag the contact; a tag that is there already changes nothing."""
    tag = _tag(step.config.tag, scope)
    there = tag in scope.contact.tags
    return _done(tag, "contact.tag_added", changed=not there)


def remove(step: Step, scope: Scope) -> Outcome:
    """Take the tag off; a tag that is not there changes nothing."""
    tag = _tag(step.config.tag, scope)
    return _done(tag, "contact.tag_removed", changed=tag in scope.contact.tags)


def _tag(template: Template, scope: Scope) -> str:
    tag = template.render(scope).strip()
    if not tag:
        raise StepError("empty_tag", f"the tag {template.source!r} came out empty")
    return tag


def _done(tag: str, change: str, *, changed: bool) -> Done:
    changes = (Change(change, {"tag": tag}),) if changed else ()
    return Done(input={"tag": tag}, output={"changed": changed}, changes=changes)
