"""Templates: named texts, which workflows pin at the moment they are published."""

from urllib.parse import quote

from aiohttp import web

from api.database import Row, fetch_one
from api.finding import find_template
from api.listing import respond_page
from api.listings import TEMPLATES
from api.problems import Unprocessable
from api.produce import definition_record
from api.requests import path_text
from api.responses import respond
from api.services import SERVICES
from api.upload import TemplateUpload, readable
from api.write import Write, new_command_id, perform
from domain.definition import DefineTemplate
from schemas.api_bodies import PageQuery
from schemas.api_resources import Template


async def list_templates(request: web.Request, query: PageQuery) -> web.Response:
    """All templates, by name."""
    return await respond_page(request, TEMPLATES, query)


async def get_template(request: web.Request) -> web.Response:
    """One template."""
    row = await find_template(request.app[SERVICES].database, path_text(request, "name"))
    return respond(Template.model_validate(row))


async def set_template(request: web.Request, upload: TemplateUpload) -> web.StreamResponse:
    """Set a named text: `{name, channel, subject?, body, html?, sendgrid_template_id?}`; 201 when the name is new."""
    database = request.app[SERVICES].database
    template = readable(upload, "template").template
    if template is None:
        message = "expected a template, found a workflow; send it to POST /api/v1/workflows"
        raise Unprocessable(message, code="not_a_template", diagnostics=[])
    known = await fetch_one(database, "get_template", {"name": template.name}) is not None
    command_id = await new_command_id(request)
    command = DefineTemplate(command_id=str(command_id), workflow_id=f"template:{template.name}", template=template)

    async def answer(_: Row) -> web.StreamResponse:
        row = await find_template(database, template.name)
        location = {"Location": f"/api/v1/templates/{quote(template.name, safe='')}"}
        return respond(Template.model_validate(row), status=200 if known else 201, headers=location)

    return await perform(request, Write(command_id=command_id, record=definition_record(command), answer=answer))
