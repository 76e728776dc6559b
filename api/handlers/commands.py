"""What became of a command: where the `Location` of a 202 leads."""

from uuid import UUID

from aiohttp import web

from api.database import Row, fetch_one
from api.problems import NotFound
from api.requests import path_uuid
from api.responses import respond
from api.services import SERVICES, Services
from api.write import ISSUED
from schemas.api_resources import CommandStatus


async def get_command(request: web.Request) -> web.Response:
    """A command's result; `pending` while it is under way."""
    services = request.app[SERVICES]
    command_id = path_uuid(request, "command_id")
    row = await fetch_one(services.database, "get_command_result", {"command_id": str(command_id)})
    if row is not None:
        return respond(await _status(services, command_id, row))
    if command_id in request.app[ISSUED]:
        return respond(CommandStatus(command_id=command_id, status="pending"))
    message = f"nothing is known of command {command_id}; its result may still be on its way from another process"
    raise NotFound(message)


async def _status(services: Services, command_id: UUID, row: Row) -> CommandStatus:
    """A definition command stays pending until every partition goes by it: only then is its effect sure."""
    offset = row["definition_offset"]
    done = offset is None or row["result"] == "rejected" or await services.progress.has_passed(offset)
    return CommandStatus.model_validate(
        row | {"command_id": command_id, "status": row["result"] if done else "pending"}
    )
