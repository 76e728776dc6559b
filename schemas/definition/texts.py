"""Warnings about texts: names that nothing defines, and templates that are not there."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from domain.definition import TemplateText
from domain.templates import compile_template, unknown_name_hint
from schemas.definition.checking import Report
from schemas.definition.model import TemplateModel
from schemas.definition.positions import Path
from schemas.definition.reading import ReadWorkflow
from schemas.definition.steps.send_email import SendEmailConfig
from schemas.definition.steps.send_sms import SendSmsConfig
from schemas.definition.values import line_of

_TEMPLATE_TEXTS: Final = ("subject", "body", "html")


def check_names(report: Report, read: ReadWorkflow) -> None:
    """Warn of names in Liquid that come out empty unless the contact has a custom field of that name."""
    for path, text in _texts(read):
        _check_text(report, path, text)


def check_template_names(report: Report, template: TemplateModel) -> None:
    """As `check_names`, for a template document."""
    for name in _TEMPLATE_TEXTS:
        text = getattr(template, name)
        if text is not None:
            _check_text(report, (name,), text)


def check_templates(report: Report, read: ReadWorkflow, templates: Mapping[str, TemplateText]) -> None:
    """Warn of templates that are used and not defined for the step's channel."""
    for index, found in enumerate(read.steps):
        config = found.config
        if not isinstance(config, SendSmsConfig | SendEmailConfig) or config.template is None:
            continue
        sms = isinstance(config, SendSmsConfig)
        channel = "sms" if sms else "email"
        named = templates.get(config.template)
        if named is not None and named.channel == channel:
            continue
        other = f" (the one of this name is for {named.channel})" if named else ""
        instead = "the SMS will say just that" if sms else "it goes to SendGrid as the id of a dynamic template"
        message = f"there is no {channel} template '{config.template}'{other}; {instead}"
        hint = "import it as a document with `kind: template`"
        report.add("undefined_template", ("steps", index, "config", "template"), message, hint)


def check_secrets(report: Report, read: ReadWorkflow, known: Collection[str]) -> None:
    """Warn of references to secrets that are not there."""
    for path, text in _texts(read):
        for name in compile_template(text).secrets:
            if name not in known:
                message = f"there is no secret '{name}'; the step will fail until there is one"
                hint = f"set HEADRACE_SECRET_{name}, or add it to the file of HEADRACE_SECRETS_FILE"
                report.add("unknown_secret", path, message, hint, line=line_of(name, text))


def _texts(read: ReadWorkflow) -> Iterator[tuple[Path, str]]:
    several = read.workflow.triggers is not None
    for index, trigger in enumerate(read.triggers):
        path: Path = ("triggers", index) if several else ("trigger",)
        for number, condition in enumerate(trigger.conditions or ()):
            yield from condition.texts((*path, "conditions", number))
    for index, found in enumerate(read.steps):
        for inner, text in found.config.texts():
            yield ("steps", index, "config", *inner), text


def _check_text(report: Report, path: Path, text: str) -> None:
    for name in compile_template(text).unknown_names:
        message = f"'{name}' is empty unless the contact has a custom field of that name"
        report.add("unknown_name", path, message, unknown_name_hint(name), line=line_of(name, text))
