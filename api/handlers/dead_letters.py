"""Dead letters: records that could not be read, and replaying them."""

from aiohttp import web

from api.database import Row
from api.finding import find_dead_letter
from api.listing import respond_page
from api.listings import DEAD_LETTERS
from api.problems import Conflict
from api.replaying import replay_records
from api.requests import path_text
from api.responses import respond
from api.services import SERVICES
from api.write import Write, new_command_id, perform
from schemas.api_bodies import DeadLettersQuery, ReplayBody
from schemas.api_resources import DeadLetter, Replay


async def list_dead_letters(request: web.Request, query: DeadLettersQuery) -> web.Response:
    """Records that could not be read, the newest first, with their bytes."""
    return await respond_page(request, DEAD_LETTERS, query, {"status": query.status, "reason": query.reason})


async def get_dead_letter(request: web.Request) -> web.Response:
    """One dead letter."""
    row = await find_dead_letter(request.app[SERVICES].database, path_text(request, "dead_letter_id"))
    return respond(DeadLetter.model_validate(row))


async def replay_dead_letter(request: web.Request, body: ReplayBody) -> web.StreamResponse:
    """Append a dead letter's record to its topic again, as it was or with a corrected value."""
    services = request.app[SERVICES]
    dead_letter_id = path_text(request, "dead_letter_id")
    row = await find_dead_letter(services.database, dead_letter_id)
    command_id = await new_command_id(request)
    if row["status"] == "replayed" and row["replayed_by"] != str(command_id):
        message = f"dead letter {dead_letter_id} was replayed at {row['replayed_at']:%Y-%m-%d %H:%M:%S} UTC"
        raise Conflict(message, code="already_replayed", command_id=row["replayed_by"])
    record, note = await replay_records(services, dead_letter_id, body.value, command_id)

    async def answer(result: Row) -> web.StreamResponse:
        shown = await find_dead_letter(services.database, dead_letter_id)
        return respond(Replay.model_validate(shown | {"command_id": command_id, "result": result["result"]}))

    return await perform(request, Write(command_id=command_id, record=record, also=(note,), answer=answer))
