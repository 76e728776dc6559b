"""Which versions a backtest is about: files, versions in the catalogue, or what really happened."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from domain import definition as d
from domain.ids import deterministic_uuid
from headrace.jobs.refusal import Refused
from projections.backtest.definitions import Definitions, pinned_templates
from projections.backtest.plan import Actual, Candidate, Side
from schemas.definition import Parsed, parse_all, template_warnings


class VersionRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One of: a file's `text`, a `version` of a `workflow`, or what is `actual`."""

    text: str | None = None
    filename: str | None = None
    workflow: str | None = None
    """Its id or name; None: the one that is tested."""
    version: int | None = None
    """None: the published one, else the latest."""
    actual: bool = False


class _Known(msgspec.Struct):
    id: str
    name: str = ""
    archived: bool = False
    published: int | None = None
    documents: dict[int, dict[str, Any]] = {}


class Versions:
    """All versions of all workflows, and those that files add."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._known: dict[str, _Known] = {}
        self._templates: dict[str, d.TemplateText] = {}
        self._files: dict[str, tuple[Parsed, dict[str, d.TemplateText]]] = {}
        self.warnings: list[dict[str, Any]] = []
        """What is doubtful in the files."""
        for _, event in definitions:
            self._note(event)

    @property
    def names(self) -> dict[str, str]:
        """The workflows' names, by id."""
        return {known.id: known.name for known in self._known.values()}

    def name_of(self, workflow_id: str, refs: Sequence[VersionRef]) -> str:
        """The tested workflow's name; a new one has that of its file."""
        known = self._known.get(workflow_id)
        return known.name if known else next(self._file(ref)[0].name for ref in refs if ref.text is not None)

    def tested(self, workflow: str | None, new: VersionRef, old: VersionRef | None) -> str:
        """The id of the workflow that is tested.

        Raises:
            Refused: it is not clear which one that is.
        """
        named = [ref.workflow for ref in (new, old) if ref is not None and ref.workflow is not None]
        wanted = {self._find(name).id for name in ([workflow] if workflow is not None else []) + named}
        if len(wanted) > 1:
            message = "expected versions of one workflow, found versions of several: compare them one by one"
            raise Refused(message, code="several_workflows")
        if wanted:
            return wanted.pop()
        file = next((ref for ref in (new, old) if ref is not None and ref.text is not None), None)
        if file is None:
            raise Refused("expected a file, or a workflow's name; found neither: name one", code="no_workflow")
        name = self._file(file)[0].name
        live = [known for known in self._known.values() if known.name == name and not known.archived]
        if len(live) > 1:
            ids = ", ".join(known.id for known in live)
            message = f"{len(live)} workflows have the name {name!r} ({ids}): say by --workflow which one is tested"
            raise Refused(message, code="ambiguous", status=409)
        return live[0].id if live else deterministic_uuid("backtest", name)

    def side(self, ref: VersionRef, workflow_id: str) -> Side:
        """What is to be simulated.

        Raises:
            Refused: there is no such version, or the file has errors.
        """
        if ref.actual:
            return Actual()
        known = self._known.get(workflow_id, _Known(workflow_id))
        if ref.text is not None:
            parsed, own = self._file(ref)
            templates = self._templates | own
            self.warnings += map(msgspec.to_builtins, template_warnings(parsed, templates))
            assert parsed.document is not None
            return Candidate(
                label=ref.filename or parsed.name,
                version=max(known.documents, default=0) + 1,
                document=parsed.document,
                templates=templates,
            )
        number = ref.version or known.published or max(known.documents, default=0)
        if number not in known.documents:
            latest = max(known.documents, default=0)
            message = f"workflow {known.name or workflow_id!r} has no version {number}; its latest is {latest}"
            raise Refused(message, code="not_found", status=404)
        templates, accept = pinned_templates(self._definitions, workflow_id, number) or (self._templates, ())
        return Candidate(
            label=f"{known.name}@{number}",
            version=number,
            document=known.documents[number],
            templates=templates,
            accept=accept,
        )

    def _find(self, text: str) -> _Known:
        if text in self._known:
            return self._known[text]
        named = [known for known in self._known.values() if known.name == text]
        candidates = [known for known in named if not known.archived] or named
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            ids = ", ".join(known.id for known in candidates)
            message = f"{len(candidates)} workflows have the name {text!r} ({ids}): name it by its id"
            raise Refused(message, code="ambiguous", status=409)
        near = get_close_matches(text, {known.name for known in self._known.values()}, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`headrace workflows` lists them"
        raise Refused(f"no workflow has the name or id {text!r}: {hint}", code="not_found", status=404)

    def _file(self, ref: VersionRef) -> tuple[Parsed, dict[str, d.TemplateText]]:
        """The one workflow of a file, and the templates that stand beside it."""
        assert ref.text is not None
        if ref.text not in self._files:
            self._files[ref.text] = _read(ref.text, ref.filename)
        return self._files[ref.text]

    def _note(self, event: d.AnyDefinitionEvent) -> None:
        match event:
            case d.TemplateDefined():
                self._templates[event.template.name] = event.template
            case d.DefinitionImported():
                known = self._known.setdefault(event.workflow_id, _Known(event.workflow_id))
                known.name = event.name
                known.documents[event.version] = event.document
            case d.VersionPublished():
                self._known[event.workflow_id].published = event.version
            case d.WorkflowArchived():
                self._known[event.workflow_id].archived = True


def _read(text: str, filename: str | None) -> tuple[Parsed, dict[str, d.TemplateText]]:
    documents = parse_all(text.encode(), filename=filename)
    diagnostics = [msgspec.to_builtins(found) for parsed in documents for found in parsed.diagnostics]
    name = filename or "the definition"
    if any(parsed.has_errors for parsed in documents):
        raise Refused(f"{name} has errors: mend them first", code="has_errors", diagnostics=diagnostics)
    workflows = [parsed for parsed in documents if parsed.template is None]
    if len(workflows) != 1:
        message = f"expected one workflow in {name}, found {len(workflows)}: test them one by one"
        raise Refused(message, code="not_one_workflow")
    return workflows[0], {parsed.template.name: parsed.template for parsed in documents if parsed.template is not None}
