"""The pages' addresses."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from api.pages import contacts, dead_letters, enrollments, incidents, ledger, stuck, why, workflows
from api.route import router_path

PAGES: Final[tuple[tuple[str, Handler], ...]] = (
    ("/", workflows.home),
    ("/workflows/{workflow_id}", workflows.workflow),
    ("/enrollments/{enrollment_id}", enrollments.enrollment),
    ("/contacts", contacts.contacts),
    ("/contacts/{contact_id}", contacts.contact),
    ("/contacts/{contact_id}/why", why.why),
    ("/incidents", incidents.incidents),
    ("/ledger", ledger.ledger),
    ("/stuck", stuck.stuck),
    ("/dead-letters", dead_letters.dead_letters),
)


def add_pages(app: web.Application) -> None:
    """Register the pages and their one stylesheet."""
    for path, handler in PAGES:
        app.router.add_get(router_path(path), handler)
    app.router.add_static("/static", Path(str(files("api").joinpath("static"))))
