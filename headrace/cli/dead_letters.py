"""`headrace dead-letters`: records that could not be read."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from domain.errors import HeadraceError
from headrace.api_client import ApiClient, ApiProblem
from headrace.cli.exits import FAILED
from headrace.cli.list_by_default import ListByDefault
from headrace.cli.naming import NotTheOne, the_one
from headrace.cli.options import URL, Json, Limit, Url
from headrace.cli.output import note, print_json, print_record, print_table, print_text
from headrace.errors import UsageError

_WHOLE_ID = re.compile(r"\d+-\d+")

Status = Literal["open", "replayed", "all"]
StatusOption = Annotated[
    Status, typer.Option("--status", envvar="HEADRACE_DEAD_LETTERS_STATUS", help="Which ones: by default all.")
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", envvar="HEADRACE_DEAD_LETTERS_REASON", help="Those with this reason (its short code)."),
]

dead_letters = typer.Typer(
    cls=ListByDefault, help="List, show and replay records that could not be read.", rich_markup_mode=None
)


@dead_letters.command("list")
def list_dead_letters(
    *,
    status: StatusOption = "all",
    reason: Reason = None,
    url: Url = URL,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List dead letters."""
    query = {"status": None if status == "all" else status, "reason": reason}
    found = list(islice(ApiClient(url).pages("/dead-letters", query), limit))
    if as_json:
        print_json({"items": found})
        return
    columns = ("id", "status", "at", "topic", "partition", "offset", "reason", "message")
    print_table(
        columns,
        [tuple(letter[key] for key in columns) for letter in found],
        empty="there are no dead letters" if (status, reason) == ("all", None) else "there are no such dead letters",
    )


@dead_letters.command("show")
def show_dead_letter(
    dead_letter: Annotated[
        str, typer.Argument(metavar="DEAD_LETTER", help="A dead letter's id, or its first characters.")
    ],
    *,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Show all of one dead letter, its bytes included."""
    found = _find(ApiClient(url), dead_letter)
    (print_json if as_json else print_record)(found)


@dead_letters.command("replay")
def replay_dead_letters(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[DEAD_LETTER...]", help="Ids of dead letters.", show_default=False)
    ] = None,
    *,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            envvar="HEADRACE_DEAD_LETTERS_REPLAY_REASON",
            help="All open ones with this reason (its short code).",
        ),
    ] = None,
    value: Annotated[
        Path | None,
        typer.Option(
            "--value",
            envvar="HEADRACE_DEAD_LETTERS_VALUE",
            exists=True,
            dir_okay=False,
            help="A file with the corrected value of the one dead letter that is named.",
        ),
    ] = None,
    url: Url = URL,
    as_json: Json = False,
) -> None:
    """Append dead letters' records to their topics again; each is taken in once, however often it is replayed."""
    if bool(ids) == (reason is not None) or (value is not None and (ids is None or len(ids) != 1)):
        message = "expected ids of dead letters, or --reason for all open ones with it; --value goes with one id"
        raise UsageError(message)
    api = ApiClient(url)
    body = {} if value is None else {"value": _text(value)}
    outcomes = [_replay(api, letter_id, body) for letter_id in ids or _open_ones(api, reason)]
    if as_json:
        print_json({"items": outcomes})
    else:
        _print_outcomes(outcomes)
    if any("problem" in outcome for outcome in outcomes):
        raise typer.Exit(FAILED)


def _open_ones(api: ApiClient, reason: str | None) -> Iterator[str]:
    """Their ids, the oldest first: as their records came, so they go."""
    letters = api.pages("/dead-letters", {"status": "open", "reason": reason})
    yield from reversed([letter["id"] for letter in letters])


def _replay(api: ApiClient, dead_letter: str, body: dict[str, Any]) -> dict[str, Any]:
    """What became of one; a refusal is an answer too, so that the others get their turn."""
    try:
        letter_id = dead_letter if _WHOLE_ID.fullmatch(dead_letter) else _find(api, dead_letter)["id"]
        answer = api.post(f"/dead-letters/{letter_id}/replay", body)
    except (ApiProblem, NotTheOne) as problem:
        code = problem.problem.get("code", "problem") if isinstance(problem, ApiProblem) else "not_the_one"
        return {"id": dead_letter, "result": "refused", "problem": {"code": code, "detail": str(problem)}}
    return {"id": letter_id, "result": answer.get("result") or answer["status"]}


def _print_outcomes(outcomes: list[dict[str, Any]]) -> None:
    for outcome in outcomes:
        problem = outcome.get("problem")
        if problem is None:
            print_text(f"{outcome['id']} was replayed: {outcome['result']}")
        else:
            note(f"{outcome['id']} was refused ({problem['code']}): {problem['detail']}")
    if not outcomes:
        note("there are no such dead letters")


def _find(api: ApiClient, text: str) -> dict[str, Any]:
    if _WHOLE_ID.fullmatch(text):
        found: dict[str, Any] = api.get(f"/dead-letters/{text}")
        return found
    return the_one(api.pages("/dead-letters"), text, what="dead letter", lister="headrace dead-letters list")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"expected the corrected value as UTF-8 text in {path}: {error}"
        raise HeadraceError(message) from error
