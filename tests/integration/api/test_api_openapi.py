"""The OpenAPI document: it names every route, and what is answered is what it says."""

import re
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from tests.integration.api.read_side import DOCUMENT, ENROLLMENT, WORKFLOW

PAGES = {
    "/stuck",
    "/",
    "/workflows/{workflow_id}",
    "/enrollments/{enrollment_id}",
    "/contacts",
    "/contacts/{contact_id}",
    "/contacts/{contact_id}/why",
    "/incidents",
    "/ledger",
    "/dead-letters",
}


@pytest.fixture
async def document(api):
    """The document as a client gets it."""
    return (await api.get("/openapi.json")).body


def validator(document, schema):
    return Draft202012Validator({**schema, "components": document["components"]})


async def test_every_registered_route_is_in_it(api, document):
    registered = {
        (route.method.lower(), route.resource.canonical)
        for route in api.client.app.router.routes()
        if route.method != "HEAD" and route.resource.canonical not in PAGES | {"/static"}
    }
    described = {(method, path) for path, item in document["paths"].items() for method in item}
    assert described == registered


async def test_it_is_well_formed(document):
    assert document["openapi"].startswith("3.1")
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert all(operation["summary"] for operation in operations)
    for path, item in document["paths"].items():
        for operation in item.values():
            named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))
    for reference in re.findall(r"#/components/schemas/([\w.]+)", str(document)):
        assert reference in document["components"]["schemas"], reference
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/api/v1/workflows", None),
        ("GET", f"/api/v1/workflows/{WORKFLOW}", "/api/v1/workflows/{workflow_id}"),
        ("GET", f"/api/v1/workflows/{WORKFLOW}/versions", "/api/v1/workflows/{workflow_id}/versions"),
        ("GET", f"/api/v1/workflows/{WORKFLOW}/versions/1", "/api/v1/workflows/{workflow_id}/versions/{version}"),
        ("GET", f"/api/v1/workflows/{WORKFLOW}/stats", "/api/v1/workflows/{workflow_id}/stats"),
        ("GET", f"/api/v1/workflows/{WORKFLOW}/enrollments", "/api/v1/workflows/{workflow_id}/enrollments"),
        ("POST", f"/api/v1/workflows/{WORKFLOW}/test?contact_id=ada", "/api/v1/workflows/{workflow_id}/test"),
        ("GET", f"/api/v1/enrollments/{ENROLLMENT}", "/api/v1/enrollments/{enrollment_id}"),
        ("GET", f"/api/v1/enrollments/{ENROLLMENT}/executions", "/api/v1/enrollments/{enrollment_id}/executions"),
        ("GET", "/api/v1/contacts", None),
        ("GET", "/api/v1/contacts/ada", "/api/v1/contacts/{contact_id}"),
        ("GET", "/api/v1/contacts/ada/timeline", "/api/v1/contacts/{contact_id}/timeline"),
        ("GET", "/api/v1/incidents", None),
        ("GET", "/api/v1/dead-letters", None),
        ("GET", "/api/v1/templates", None),
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
    ],
)
async def test_what_is_answered_is_what_it_says(api, read_side, document, method, path, route):
    await read_side.workflow()
    await read_side.contact()
    await read_side.enrollment()
    await read_side.execution()
    await read_side.happening(1)
    await read_side.incident()
    await read_side.dead_letter()
    await read_side.template()
    reply = await api.request(method, path)
    assert reply.status == 200, reply.text
    answer = document["paths"][route or path][method.lower()]["responses"]["200"]
    schema = validator(document, answer["content"]["application/json"]["schema"])
    schema.validate(reply.body)
    broken = {key: value for key, value in reply.body.items() if key != next(iter(reply.body))}
    assert not schema.is_valid(broken), "the schema asks for what is answered"


async def test_problems_are_as_it_says(api, document):
    reply = await api.get(f"/api/v1/workflows/{uuid4()}")
    answer = document["paths"]["/api/v1/workflows/{workflow_id}"]["get"]["responses"]["default"]
    validator(document, answer["content"]["application/problem+json"]["schema"]).validate(reply.body)


async def test_bodies_and_queries_are_in_it(document):
    publish = document["paths"]["/api/v1/workflows/{workflow_id}/publish"]["post"]["requestBody"]
    assert publish["required"] is False
    schema = validator(document, publish["content"]["application/json"]["schema"])
    assert schema.is_valid({"in_flight": "drain"})
    assert not schema.is_valid({"in_flight": "drop"})
    upload = document["paths"]["/api/v1/workflows"]["post"]["requestBody"]["content"]
    assert {"application/json", "application/yaml"} < set(upload)
    definition = validator(document, upload["application/yaml"]["schema"])
    assert definition.is_valid(DOCUMENT)
    assert not definition.is_valid(DOCUMENT | {"steps": 7})
    listing = document["paths"]["/api/v1/workflows/{workflow_id}/enrollments"]["get"]["parameters"]
    limit = next(parameter for parameter in listing if parameter["name"] == "limit")
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"], limit["schema"]["default"]) == (1, 500, 50)
