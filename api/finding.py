"""Finding one thing on the read side by its id, or saying that there is none."""

from uuid import UUID

from api.database import Database, Row, fetch_one
from api.problems import NotFound


async def find_workflow(database: Database, workflow_id: UUID) -> Row:
    """The workflow's row.

    Raises:
        NotFound: there is none.
    """
    return _found(await fetch_one(database, "get_workflow", {"workflow_id": workflow_id}), f"workflow {workflow_id}")


async def find_version(database: Database, workflow_id: UUID, version: int | None) -> Row:
    """The row of a version; None asks for the published one, else the latest.

    Raises:
        NotFound: there is no such workflow or no such version.
    """
    row = await fetch_one(database, "get_version", {"workflow_id": workflow_id, "version": version})
    if row is None:
        await find_workflow(database, workflow_id)
    return _found(row, f"version {version} of workflow {workflow_id}")


async def find_enrollment(database: Database, enrollment_id: UUID) -> Row:
    """The enrollment's row.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(database, "get_enrollment", {"enrollment_id": enrollment_id})
    return _found(row, f"enrollment {enrollment_id}")


async def find_contact(database: Database, contact_id: str) -> Row:
    """The contact's row.

    Raises:
        NotFound: nothing was heard of this contact.
    """
    return _found(await fetch_one(database, "get_contact", {"contact_id": contact_id}), f"contact {contact_id!r}")


async def find_template(database: Database, name: str) -> Row:
    """The template's row.

    Raises:
        NotFound: there is none.
    """
    return _found(await fetch_one(database, "get_template", {"name": name}), f"template {name!r}")


async def find_incident(database: Database, incident_id: UUID) -> Row:
    """The incident's row.

    Raises:
        NotFound: there is none.
    """
    return _found(await fetch_one(database, "get_incident", {"incident_id": incident_id}), f"incident {incident_id}")


async def find_dead_letter(database: Database, dead_letter_id: str) -> Row:
    """The dead letter's row.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(database, "get_dead_letter", {"dead_letter_id": dead_letter_id})
    return _found(row, f"dead letter {dead_letter_id!r}")


def _found(row: Row | None, what: str) -> Row:
    if row is None:
        message = f"there is no {what}"
        raise NotFound(message)
    return row
