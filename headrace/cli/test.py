"""`headrace test`: a dry run with a contact that lives now, or recorded workflow tests from files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.api_client import ApiClient
from headrace.cli.exits import FAILED
from headrace.cli.options import URL, Json, Url
from headrace.cli.output import print_json, print_table, print_text
from headrace.cli.workflow_names import find_workflow
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.rehearsing import Played


def run_tests(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="WORKFLOW|FILE...",
            help="A workflow's id or name, with --contact; or files of workflow tests, as `headrace record` writes them.",
        ),
    ],
    *,
    contact: Annotated[
        str | None,
        typer.Option(
            "--contact", envvar="HEADRACE_TEST_CONTACT", metavar="ID", help="Dry run: the contact to walk with."
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            "--version",
            envvar="HEADRACE_TEST_VERSION",
            min=1,
            help="Dry run: which version; else the published one, else the latest.",
        ),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            envvar="HEADRACE_TEST_EVENT",
            metavar="TYPE [JSON]",
            help='Dry run: what comes when the contact waits for an event, as \'contact.sms_received {"body": "yes"}\' or '
            '\'delivery {"step": "offer", "status": "clicked"}\'; may be repeated. Else it waits in vain.',
        ),
    ] = None,
    definition: Annotated[
        Path | None,
        typer.Option(
            "--definition",
            envvar="HEADRACE_TEST_DEFINITION",
            exists=True,
            dir_okay=False,
            help="Files: the definition to play the tests on, instead of the recorded one.",
        ),
    ] = None,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Show the path that a contact would take now (a dry run), or play workflow tests from files.

    `headrace test WORKFLOW --contact ID` asks a running Headrace; nothing is sent or written. `headrace test FILE...`
    works offline, by the same engine in virtual time, shows where a path first leaves the expected one, and exits with
    1 when one does: for your own CI.
    """
    if contact is not None:
        if len(targets) != 1 or definition is not None:
            message = "expected one workflow with --contact, and no --definition: that is for files of workflow tests"
            raise UsageError(message)
        _dry_run(targets[0], contact, version, list(map(_assumed, event or ())), url=url, as_json=as_json)
    elif event:
        raise UsageError(
            "expected --event together with --contact: files of workflow tests say themselves what happens"
        )
    else:
        _play(targets, definition, as_json=as_json)


# ---------------------------------------------------------------- the dry run


def _assumed(text: str) -> dict[str, Any]:
    """The event that an option names: its type, and its data as JSON if it has any."""
    kind, _, data = text.strip().partition(" ")
    try:
        found = json.loads(data or "{}")
    except ValueError:
        found = None
    if not kind or not isinstance(found, dict):
        message = f'expected a type and its data as a JSON object, found {text!r}; as \'contact.sms_received {{"body": "yes"}}\''
        raise UsageError(message)
    return {"type": kind, "data": found}


def _dry_run(
    workflow: str, contact: str, version: int | None, events: list[dict[str, Any]], *, url: str, as_json: bool
) -> None:
    api = ApiClient(url)
    found = find_workflow(api, workflow)
    query = {"contact_id": contact, "version": version}
    path = api.post(f"/workflows/{found['id']}/test", {"events": events} if events else None, query=query)
    if as_json:
        print_json(path)
    else:
        _print_path(found["name"], path)


def _print_path(name: str, path: dict[str, Any]) -> None:
    print_text(f"{name}, version {path['version']}, contact {path['contact_id']}")
    if not path["enrolled"]:
        print_text(f"would not be enrolled: {path['reason']}")
    rows = [
        (step["step_id"], step["step_type"], step["at"], step["status"], _effect(step), step["next"] or "end")
        for step in path["steps"]
    ]
    if rows:
        print_table(("step", "kind", "at", "status", "effect", "next"), rows, empty="")
        print_text(f"ends: {path['ends']}")


def _effect(step: dict[str, Any]) -> dict[str, Any]:
    """What the step would send or change: its rendered input, and what it would give."""
    return {**(step["input_data"] or {}), **(step["output_data"] or {})}


# ---------------------------------------------------------------- workflow tests


def _play(files: list[str], definition: Path | None, *, as_json: bool) -> None:
    from headrace.plug_ins import load_plug_ins
    from headrace.rehearsing import play_file
    from headrace.settings import load_settings

    load_plug_ins()
    region = load_settings().phone_region
    contents = {name: _bytes(name) for name in files}
    played = [(name, one) for name, data in contents.items() for one in play_file(Path(name), data, definition, region)]
    failed = [one for _, one in played if not one.passed]
    if as_json:
        print_json({"ok": not failed, "tests": [_json(name, one) for name, one in played]})
    else:
        for name, one in played:
            _print_played(name, one)
        count = f"{len(played)} test{'s' if len(played) != 1 else ''}"
        print_text(f"{count}, {len(failed)} failed" if failed else f"{count} passed")
    if failed:
        raise typer.Exit(FAILED)


def _bytes(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"expected a file of workflow tests, or a workflow with --contact ID; cannot read {name!r} as a file: {reason}"
        raise UsageError(message) from error


def _json(name: str, one: "Played") -> dict[str, Any]:
    import msgspec

    return {"file": name, "ok": one.passed, **msgspec.to_builtins(one)}


def _print_played(name: str, one: "Played") -> None:
    print_text(f"{name}: {one.name}: {'passed' if one.passed else 'FAILED'}")
    for found in one.diagnostics:
        hint = f" ({found.hint})" if found.hint else ""
        print_text(f"  line {found.line}, column {found.column}: {found.message}{hint}")
    if one.problem is not None and not one.diagnostics:
        print_text(f"  {one.problem}")
    if one.divergence is not None and one.path is not None:
        for number, visit in enumerate(one.path.visits[: max(0, one.divergence.place - 1)], 1):
            branch = f", branch {visit.branch}" if visit.branch is not None else ""
            print_text(f"  {number}. {visit.step} {visit.did}{branch}")
        print_text(f"  {one.divergence.place}. {one.divergence.what}")
