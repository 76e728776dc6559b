"""`headrace why`: why a contact was enrolled in a workflow or not, and why each step was done or not."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from headrace.api_client import ApiClient
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import print_json
from headrace.cli.story import Story
from headrace.cli.times import parse_time
from headrace.cli.workflow_names import find_workflow
from headrace.errors import UsageError

_MARK = {True: "✓", False: "✗"}


def why(
    contact: Annotated[str, typer.Argument(metavar="CONTACT", help="The contact's id.")],
    workflow: Annotated[
        str | None,
        typer.Argument(metavar="WORKFLOW", help="A workflow's id, or its name if only one has it."),
    ] = None,
    *,
    enrollment: Annotated[
        str | None,
        typer.Option(
            "--enrollment", envvar="HEADRACE_WHY_ENROLLMENT", metavar="ID", help="Tell of this enrollment alone."
        ),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(
            "--step", envvar="HEADRACE_WHY_STEP", metavar="STEP", help="Why this step was done, or what stopped it."
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            envvar="HEADRACE_WHY_AT",
            metavar="TIME",
            parser=parse_time,
            help="As of this moment: a time, or a date (its first instant, UTC); else now.",
        ),
    ] = None,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Tell why a contact was enrolled in a workflow or not, and why each step was done or not.

    What was decided is shown as it was recorded; only what left no record is worked out anew, with the
    contact's state and the definitions of that moment.
    """
    if workflow is None and enrollment is None:
        message = "name a WORKFLOW after the contact, or an enrollment by --enrollment"
        raise UsageError(message)
    api = ApiClient(url)
    workflow_id = find_workflow(api, workflow)["id"] if workflow else None
    query = {"workflow_id": workflow_id, "enrollment_id": enrollment, "step_id": step, "at": at}
    told = api.get(f"/contacts/{quoted(contact)}/why", query)
    if as_json:
        print_json(told)
    else:
        _print(Story(), told)


def quoted(contact: str) -> str:
    """A contact id as one segment of a path."""
    from urllib.parse import quote

    return quote(contact, safe="")


def _print(story: Story, told: Mapping[str, Any]) -> None:
    story.headline(told["answer"])
    live = f"version {told['live_version']} live" if told["live_version"] else "no version live"
    story.quiet(
        f"{told['workflow_name']}: {told['workflow_status']}, {live}, as of {_time(told['at'])}; "
        f"told by Headrace {told['engine']}"
    )
    story.section("Events that could have enrolled the contact")
    for one in told["considered"]:
        _print_considered(story, one)
    if not told["considered"]:
        story.line("none")
    if not told["enrollments"]:
        story.items("It is enrolled when", (one["words"] for one in told["would_enrol"]))
    for enrollment in told["enrollments"]:
        _print_enrollment(story, enrollment)
    if told["notes"]:
        story.section("Also in the journal")
        for note in told["notes"]:
            story.line(note["words"], at=_time(note["at"]))


def _print_considered(story: Story, one: Mapping[str, Any]) -> None:
    by = f" by step {one['made_by_step']}" if one["made_by_step"] else ""
    result = "enrolled" if one["enrolled"] else "not enrolled"
    why_not = "" if one["enrolled"] else f": {one['words']}"
    story.line(f"{_MARK[one['enrolled']]} {one['event_type']}{by}: {result}{why_not}", at=_time(one["at"]))
    version = f"version {one['version']}" if one["version"] else "no version live"
    source = "worked out now" if one["recomputed"] else "as recorded"
    if one["conditions_recomputed"]:
        source += ", its conditions worked out now"
    story.quiet(f"{version}, trigger {one['trigger_type']}, re-entry {one['reentry']}; {source}", indent=2)
    _print_conditions(story, one["conditions"])


def _print_enrollment(story: Story, enrollment: Mapping[str, Any]) -> None:
    story.section(
        f"Enrollment {enrollment['id']}: {enrollment['status']}, version {enrollment['version']}, "
        f"since {_time(enrollment['enrolled_at'])}"
    )
    for happened in sorted([*enrollment["steps"], *enrollment["turns"]], key=lambda one: int(one["seq"])):
        if "step_id" in happened:
            _print_step(story, happened)
        else:
            story.line(happened["words"], at=_time(happened["at"]))


def _print_step(story: Story, step: Mapping[str, Any]) -> None:
    words = step["words"]
    story.line(f"{step['step_type']}: {words}", at=_time(step["entered_at"]))
    _print_conditions(story, step["conditions"])
    if step["received"] is not None:
        story.data("what came", step["received"])
    for one in step["missed"]:
        story.quiet(f"{one['event_type']} at {_time(one['at'])} did not end it: {one['words']}", indent=2)
    send = step["send"]
    if send is None:
        return
    story.data("request", send["request"])
    for attempt in send["attempts"]:
        parts = [f"attempt {attempt['number']} at {_time(attempt['started_at'])}: {attempt['outcome']}"]
        parts += [str(attempt[name]) for name in ("provider_id", "code", "message") if attempt[name]]
        story.quiet(", ".join(parts), indent=2)
    for report in send["deliveries"]:
        story.quiet(f"the provider said {report['status']} at {_time(report['at'])}", indent=2)


def _print_conditions(story: Story, operands: Iterable[Mapping[str, Any]]) -> None:
    for one in operands:
        asked = " ".join(
            part for part in (one["field"], one["operator"], story.value(one["value"]), one.get("unit")) if part
        )
        found = "it was missing" if one["actual"] is None else f"it was {story.value(one['actual'])}"
        story.quiet(f"{_MARK[bool(one['result'])]} {asked} ({found})", indent=2)


def _time(text: str | None) -> str:
    return "" if text is None else text[:19].replace("T", " ")
