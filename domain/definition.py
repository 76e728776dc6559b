"""Definition commands and definition events: how workflows and templates come to be, version by version."""

from typing import Any, ClassVar

import msgspec


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One finding about a definition: where it is (1-based line and column), what is wrong, how to mend it."""

    code: str
    severity: str
    """`error` (cannot be published), `warning` or `info`."""
    path: str
    """Dotted path in the document, as `steps[2].config.duration`."""
    line: int
    column: int
    message: str
    hint: str = ""


class TemplateText(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A named text: `channel` is `sms` or `email`; an e-mail has a subject, or is a SendGrid dynamic template."""

    name: str
    channel: str
    body: str = ""
    subject: str | None = None
    html: str | None = None
    sendgrid_template_id: str | None = None


# ---------------------------------------------------------------- commands (topic headrace.definition-commands)


class DefinitionCommand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every definition command has. `workflow_id` is the record's key (a template's: `template:<name>`)."""

    command_id: str
    workflow_id: str


class ImportDefinition(DefinitionCommand, frozen=True, kw_only=True, omit_defaults=True, tag="import_definition"):
    """Keep a checked document as the next version. `create` makes a new workflow; else it must exist."""

    name: str
    document: dict[str, Any]
    source: str
    format: str
    digest: str
    """Hash of the document's meaning: importing an equal one answers the existing version."""
    diagnostics: tuple[Diagnostic, ...] = ()
    create: bool = False
    publish: bool = False
    """Publish it in the same breath, when it has no error."""


class PublishVersion(DefinitionCommand, frozen=True, kw_only=True, omit_defaults=True, tag="publish_version"):
    """Make a version (None: the latest) the live one."""

    version: int | None = None
    in_flight: str = "pin"
    accept: tuple[str, ...] = ()


class PauseWorkflow(DefinitionCommand, frozen=True, kw_only=True, omit_defaults=True, tag="pause_workflow"):
    """Stop enrolling and let open enrollments stand still."""


class ResumeWorkflow(DefinitionCommand, frozen=True, kw_only=True, omit_defaults=True, tag="resume_workflow"):
    """Undo a pause."""


class ArchiveWorkflow(DefinitionCommand, frozen=True, kw_only=True, omit_defaults=True, tag="archive_workflow"):
    """Stop enrolling for good; open enrollments finish on their version."""


class DefineTemplate(DefinitionCommand, frozen=True, kw_only=True, omit_defaults=True, tag="define_template"):
    """Set a named text; workflows pin the text of the moment they are published."""

    template: TemplateText


AnyDefinitionCommand = (
    ImportDefinition | PublishVersion | PauseWorkflow | ResumeWorkflow | ArchiveWorkflow | DefineTemplate
)


# ---------------------------------------------------------------- events (topic headrace.definitions)


class DefinitionEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every definition event has. `v` and `VERSION` are as in the journal."""

    VERSION: ClassVar[int] = 1

    at_ms: int
    workflow_id: str
    command_id: str
    v: int = 1


class DefinitionImported(DefinitionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="definition_imported"):
    """A version was kept, for ever as it is."""

    version: int
    name: str
    document: dict[str, Any]
    source: str
    format: str
    digest: str
    diagnostics: tuple[Diagnostic, ...] = ()


class VersionPublished(DefinitionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="version_published"):
    """A version went live, with the texts of its templates as they were then."""

    version: int
    in_flight: str
    accept: tuple[str, ...] = ()
    templates: dict[str, TemplateText] = {}


class WorkflowPaused(DefinitionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="workflow_paused"):
    """The workflow enrols nobody and its enrollments stand still."""


class WorkflowResumed(DefinitionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="workflow_resumed"):
    """The workflow goes on."""


class WorkflowArchived(DefinitionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="workflow_archived"):
    """The workflow enrols nobody any more."""


class TemplateDefined(DefinitionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="template_defined"):
    """A named text was set."""

    template: TemplateText


class DefinitionCommandResulted(
    DefinitionEvent, frozen=True, kw_only=True, omit_defaults=True, tag="definition_command_resulted"
):
    """The result of a definition command; always the last event that the command caused."""

    command_type: str
    result: str
    """`accepted`, `duplicate` (equal content: `version` is the existing one) or `rejected`."""
    code: str | None = None
    """Of a rejection: `not_found`, `has_errors`, `conflict`, `archived` ..."""
    reason: str | None = None
    version: int | None = None


AnyDefinitionEvent = (
    DefinitionImported
    | VersionPublished
    | WorkflowPaused
    | WorkflowResumed
    | WorkflowArchived
    | TemplateDefined
    | DefinitionCommandResulted
)
