"""The web application: the API's routes and the pages, behind their middlewares."""

from collections.abc import AsyncIterator

from aiohttp import web

from api import security
from api.errors import errors
from api.handlers.health import OPENAPI
from api.idempotency import IssuedCommands
from api.metrics import METRICS, measure
from api.openapi import openapi_json
from api.pages.routes import add_pages
from api.past import DEFINITION_HISTORY
from api.route import router_path
from api.routes import ROUTES
from api.services import SERVICES, Services
from api.write import ISSUED
from projections.past.definitions import DefinitionHistory

MAX_BODY_BYTES = 1024 * 1024
"""Definitions over 1 MiB are refused (DESIGN 5.2); no other body needs more."""


def create_api(services: Services) -> web.Application:
    """The application; it starts and stops `services.progress`, all else is the caller's to open and close."""
    app = web.Application(
        middlewares=[measure, security.headers, errors, security.guard],
        client_max_size=MAX_BODY_BYTES,
    )
    app[SERVICES] = services
    app[METRICS] = services.metrics
    app[ISSUED] = IssuedCommands()
    app[DEFINITION_HISTORY] = DefinitionHistory(services.commands)
    app[OPENAPI] = openapi_json(ROUTES)
    for route in ROUTES:
        if route.method == "GET":
            app.router.add_get(router_path(route.path), route.bind())  # and HEAD
        else:
            app.router.add_route(route.method, router_path(route.path), route.bind())
    add_pages(app)
    app.cleanup_ctx.append(_progress)
    return app


async def _progress(app: web.Application) -> AsyncIterator[None]:
    async with app[SERVICES].progress:
        yield
