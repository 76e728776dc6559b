"""From bytes to a checked document: whatever comes in, what comes out is a document, diagnostics, or both."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import msgspec

from domain.definition import Diagnostic, TemplateText
from schemas.definition.checking import Report, describe
from schemas.definition.diagnostics import did_you_mean, finding, has_errors, in_order, is_unreadable
from schemas.definition.digest import digest
from schemas.definition.flow import check_flow
from schemas.definition.json_source import read_json
from schemas.definition.lateness import check_lateness
from schemas.definition.limits import check_limits
from schemas.definition.model import TemplateModel
from schemas.definition.positions import START, Node, plain, unplaced
from schemas.definition.reading import ReadWorkflow, read_workflow
from schemas.definition.source import Format, Text, read_text
from schemas.definition.texts import check_names, check_secrets, check_template_names, check_templates
from schemas.definition.waits import check_waits
from schemas.definition.yaml_composer import YamlDocument
from schemas.definition.yaml_source import read_yaml

Kind = Literal["workflow", "template"]


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of one document."""

    document: dict[str, Any] | None
    """As it was written, None when it is no mapping: keys are text, values what JSON can hold."""
    kind: Kind
    name: str
    """Empty when there is none."""
    format: Format
    source: str
    """The text itself; empty when the bytes are no text."""
    diagnostics: tuple[Diagnostic, ...] = ()
    template: TemplateText | None = None
    """Of a readable document with `kind: template`."""
    digest: str = ""
    """Of the document, empty without one."""
    root: Node | None = None
    """The document with its positions."""

    @property
    def unreadable(self) -> bool:
        """Nothing may be imported of it."""
        return self.document is None or is_unreadable(self.diagnostics)

    @property
    def has_errors(self) -> bool:
        """It may be imported (unless it is unreadable), but not published."""
        return has_errors(self.diagnostics)

    @property
    def too_large(self) -> bool:
        """The file is larger than a definition may be, and was not read at all."""
        return any(one.code == "too_large" for one in self.diagnostics)


def parse(data: bytes, *, format: Format | None = None, filename: str | None = None, kind: Kind = "workflow") -> Parsed:
    """The one document of a file. `kind` is what a document without the key `kind` is.

    A file with several documents is unreadable here; `parse_all` takes it.
    """
    several = parse_all(data, format=format, filename=filename, kind=kind)
    if len(several) == 1:
        return several[0]
    first, second = several[0], several[1]
    at = second.root.position if second.root else START
    message = f"expected one definition, found {len(several)} in one file"
    found = finding("several_documents", (), at, message, "import them one by one, or with `headrace import`")
    return msgspec.structs.replace(
        first, document=None, template=None, digest="", root=None, source=data.decode(), diagnostics=(found,)
    )


def parse_all(
    data: bytes, *, format: Format | None = None, filename: str | None = None, kind: Kind = "workflow"
) -> list[Parsed]:
    """Every document of a file (YAML separates them by `---`), in order; never none."""
    read = read_text(data, format, filename)
    if read.problem is not None:
        return [_nothing(read, kind, read.problem)]
    if read.format == "json":
        root, problems = read_json(read.text)
        return [_document(root, problems, read, kind)]
    documents = read_yaml(read.text)
    filled = [one for one in documents if one.problems or not _is_blank(one)]
    if not filled:
        message = "expected a definition, found nothing but comments"
        return [_nothing(read, kind, finding("empty", (), START, message, "begin with `name: ...`"))]
    sources = _sources(read.text, filled)
    return [
        _document(one.root, one.problems, read._replace(text=source), kind)
        for one, source in zip(filled, sources, strict=True)
    ]


def template_warnings(parsed: Parsed | dict[str, Any], templates: Mapping[str, TemplateText]) -> tuple[Diagnostic, ...]:
    """A warning for each template that a workflow uses and `templates` does not have for that channel.

    Of a bare document the lines are not known: its findings stand at line 1.
    """
    return _warnings(parsed, partial(check_templates, templates=templates))


def secret_warnings(parsed: Parsed | dict[str, Any], known: Collection[str]) -> tuple[Diagnostic, ...]:
    """A warning for each reference to a secret whose name is not among those that are known."""
    return _warnings(parsed, partial(check_secrets, known=known))


def _warnings(parsed: Parsed | dict[str, Any], check: Callable[[Report, ReadWorkflow], None]) -> tuple[Diagnostic, ...]:
    """What a check finds beside what `parse` did; of a document that can't be read it finds nothing."""
    document = parsed.document if isinstance(parsed, Parsed) else parsed
    root = parsed.root if isinstance(parsed, Parsed) else None
    report = Report(root or unplaced(document))
    read = read_workflow(report, document) if document is not None else None
    if read is None:
        return ()
    check(report, read)
    return in_order(report.diagnostics)


# ---------------------------------------------------------------- one document


def _document(root: Node | None, problems: tuple[Diagnostic, ...], read: Text, kind: Kind) -> Parsed:
    if root is None or problems:
        return _nothing(read, kind, *problems)
    document = plain(root)
    report = Report(root)
    if not isinstance(document, dict):
        message = f"expected a mapping with `name` and `steps`, found {describe(document)}"
        report.add("wrong_type", (), message, "begin with `name: ...`")
        return _nothing(read, kind, *report.diagnostics)
    template = None
    word = document.get("kind", kind)
    if word == "template":
        template = _check_template(report, document)
    elif word == "workflow":
        _check_workflow(report, document)
    else:
        is_test = word == "workflow_test"
        hint = "play it by `headrace test`" if is_test else did_you_mean(str(word), ("workflow", "template"))
        report.add("unknown_kind", ("kind",), f"expected a workflow or a template, found {describe(word)}", hint)
    name = document.get("name")
    return Parsed(
        document=document,
        kind="template" if word == "template" else "workflow",
        name=name if isinstance(name, str) else "",
        format=read.format,
        source=read.text,
        diagnostics=in_order(report.diagnostics),
        template=template,
        digest=digest(document),
        root=root,
    )


def _check_workflow(report: Report, document: dict[str, Any]) -> None:
    read = read_workflow(report, document)
    if read is not None:
        check_flow(report, read)
        check_lateness(report, read)
        check_limits(report, read)
        check_waits(report, read)
        check_names(report, read)


def _check_template(report: Report, document: dict[str, Any]) -> TemplateText | None:
    template = report.check(TemplateModel, {"kind": "template", **document}, (), "the template")
    if template is None:
        return None
    check_template_names(report, template)
    return template.template()


def _nothing(read: Text, kind: Kind, *problems: Diagnostic) -> Parsed:
    return Parsed(
        document=None, kind=kind, name="", format=read.format, source=read.text, diagnostics=in_order(problems)
    )


def _is_blank(document: YamlDocument) -> bool:
    """A document of nothing, as after a last `---`."""
    return document.root is None or plain(document.root) is None


def _sources(text: str, documents: list[YamlDocument]) -> list[str]:
    """Each document's own text; the first one has what stands above it, too."""
    if len(documents) == 1:
        return [text]
    lines = text.splitlines(keepends=True)
    starts = [0, *(one.start_line - 1 for one in documents[1:]), len(lines)]
    return ["".join(lines[start:end]) for start, end in pairwise(starts)]
