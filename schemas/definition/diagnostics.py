"""What can be wrong with a definition: every code, what it means, and how bad it is."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from domain.definition import Diagnostic
from schemas.definition.positions import MAX_DEPTH, MAX_VALUES, START, Position, dotted

UNREADABLE: Final = {
    "too_large": "the file is larger than 1 MiB",
    "bad_encoding": "the file is not UTF-8 text",
    "control_character": "the text has a character that no text should have, such as NUL",
    "empty": "there is nothing where something is needed: an empty file, list or text",
    "yaml_syntax": "the text breaks the rules of YAML",
    "json_syntax": "the text breaks the rules of JSON",
    "tab_indentation": "a line of YAML is indented with a tab",
    "several_documents": "one definition was expected and the file has several, separated by `---`",
    "duplicate_key": "a mapping has the same key twice",
    "bad_key": "a key is missing, or is not plain text",
    "bad_number": "a number is too large, or is not one (NaN, Infinity)",
    "unknown_tag": "YAML's `!tag` asks for a type that a definition can't hold",
    "unknown_anchor": "a YAML alias `*name` stands for nothing, or for itself",
    "bad_merge": "YAML's `<<` is given something that is not a mapping",
    "alias_bomb": f"YAML's aliases would grow the document beyond {MAX_VALUES:,} values",
    "too_many_values": f"the document has more than {MAX_VALUES:,} values",
    "too_deep": f"mappings and lists are nested more than {MAX_DEPTH} deep",
    "wrong_type": "a value is of another type than is needed here, such as a number for text",
    "missing_key": "a key that is needed is not there",
    "unknown_key": "a key that the language does not have at this place",
    "conflicting_keys": "keys that exclude each other are both there",
    "bad_value": "a value is none of those that are possible here",
    "out_of_range": "a number is too small or too large",
    "too_long": "a text or a list is too long",
    "unknown_kind": "the document is neither a workflow nor a template",
    "unknown_step_kind": "a step's `type` is none of the step kinds",
    "unknown_trigger": "a trigger's `type` is none of the triggers",
    "not_available": "the language has it, but this version of Headrace can't run it yet",
    "unknown_operator": "a condition's operator is none of the operators",
    "bad_operand": "a condition's value (or unit) can't be used with its operator",
    "bad_regex": "the pattern of `matches` is not a regular expression of RE2",
    "bad_field": "a field's name can never name anything, or can't be set",
    "bad_liquid": "the text breaks the rules of Liquid",
    "bad_secret": "a reference to a secret stands where no secret may go",
    "bad_weights": "the weights of an `ab_split` don't go with its paths, or are all zero",
    "bad_config": "the plug-in that brings this step kind refuses the step's config",
    "unknown_branch": "a branch that a step of this kind can't take",
}
"""Errors that keep a definition from being imported at all."""

DRAFT: Final = {
    "dangling_next": "`next` names a step that is not there; may be accepted, then it ends there",
    "dangling_branch": "a branch names a step that is not there; accepted together with `dangling_next`",
    "dangling_on_failure": "`on_failure` names a step that is not there",
    "dangling_delivery": "a wait is for the delivery of a step that is not there, or that sends no message",
    "duplicate_step_id": "two steps have the same id",
    "reserved_step_id": "a step is called `end`, which is what ends a workflow",
}
"""Errors of a definition that can be read and imported, as a draft, but not published."""

WARNINGS: Final = {
    "unreachable_step": "no step leads to this one",
    "cycle_without_wait": "steps lead back to themselves without a wait; a contact that goes round is stopped",
    "missing_branch": "a step does not say where one of its branches goes; it goes to the following step",
    "endless_wait": "a wait without a time-out is for deliveries alone; of a message that is not sent none is reported",
    "never_reported": "a wait is for a delivery status that no provider reports of such a message",
    "unknown_name": "a template uses a name that is neither an attribute nor a namespace; it comes out empty when the contact has no custom field of that name",
    "unknown_secret": "there is no secret of this name where the definition is read; without one the step fails",
    "undefined_template": "there is no template of this name: an SMS sends the name itself, an e-mail takes it as a SendGrid template's id",
}
"""Findings that do not keep a definition from being published."""

CODES: Final = UNREADABLE | DRAFT | WARNINGS

MAX_DIAGNOSTICS: Final = 100
"""More than these are counted, not listed."""


def finding(code: str, path: Iterable[str | int], at: Position, message: str, hint: str = "") -> Diagnostic:
    """A diagnostic whose severity is that of its code."""
    assert code in CODES, code
    severity = "warning" if code in WARNINGS else "error"
    return Diagnostic(
        code=code, severity=severity, path=dotted(path), line=at.line, column=at.column, message=message, hint=hint
    )


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By their place in the text; of a great many only the first ones, and how many more there are."""
    found = sorted(diagnostics, key=lambda one: (one.line, one.column, one.severity, one.code))
    if len(found) <= MAX_DIAGNOSTICS:
        return tuple(found)
    errors_first = sorted(found, key=lambda one: one.severity != "error")[:MAX_DIAGNOSTICS]
    rest = len(found) - MAX_DIAGNOSTICS
    more = Diagnostic(
        code="and_more",
        severity="info",
        path="",
        line=START.line,
        column=START.column,
        message=f"{rest} more findings are not listed",
    )
    return (*sorted(errors_first, key=lambda one: (one.line, one.column)), more)


def is_unreadable(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether one of them keeps the definition from being imported."""
    return any(one.code in UNREADABLE for one in diagnostics)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether one of them keeps the definition from being published."""
    return any(one.severity == "error" for one in diagnostics)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the known word that is nearest, or with all of them when there are few."""
    words = sorted(known)
    near = get_close_matches(word.lower().replace("-", "_").replace(" ", "_"), words, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"it may be: {', '.join(words)}" if words else ""
