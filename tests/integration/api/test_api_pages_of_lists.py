"""Lists in pages: every item once, in order, whatever comes in between."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.integration.api.caller import assert_problem
from tests.integration.api.read_side import ENROLLMENT, START, WORKFLOW

ENROLLMENTS = f"/api/v1/workflows/{WORKFLOW}/enrollments"


async def walk(api, path, **params):
    """All items of the list, page by page."""
    items, cursor = [], None
    for _ in range(100):
        query = params | ({"cursor": cursor} if cursor else {})
        page = (await api.get(path, params=query)).body
        assert len(page["items"]) <= int(params["limit"])
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
    raise AssertionError("the list has no end")


async def workflows(read_side):
    for number in range(7):
        await read_side.workflow(id=uuid4(), created_at=START + timedelta(minutes=number // 2))
    return "/api/v1/workflows"


async def versions(read_side):
    await read_side.workflow(version=7)
    for number in range(2, 8):
        await read_side.version(version=number, digest=f"d{number}")
    return f"/api/v1/workflows/{WORKFLOW}/versions"


async def enrollments(read_side):
    await read_side.workflow()
    for number in range(7):  # two at a time were enrolled in the same microsecond
        await read_side.enrollment(
            id=uuid4(), contact_id=f"c{number}", enrolled_at=START + timedelta(microseconds=number // 2)
        )
    return ENROLLMENTS


async def executions(read_side):
    await read_side.workflow()
    await read_side.enrollment()
    for number in range(7):
        await read_side.execution(f"s{number}", seq=number // 2)
    return f"/api/v1/enrollments/{ENROLLMENT}/executions"


async def contacts(read_side):
    for name in ("a", "A", "é", "b/c", "10", "9", "z z"):
        await read_side.contact(name)
    return "/api/v1/contacts"


async def timeline(read_side):
    await read_side.contact()
    for seq in range(1, 8):
        await read_side.happening(seq)
    return "/api/v1/contacts/ada/timeline"


async def incidents(read_side):
    for number in range(7):
        await read_side.incident(opened_at=START + timedelta(seconds=number // 2))
    return "/api/v1/incidents"


async def dead_letters(read_side):
    for number in range(7):
        await read_side.dead_letter(id=f"d{number}", at=START + timedelta(seconds=number // 2))
    return "/api/v1/dead-letters"


async def templates(read_side):
    for name in ("g", "f", "e", "d", "c", "b", "a"):
        await read_side.template(name)
    return "/api/v1/templates"


LISTS = [workflows, versions, enrollments, executions, contacts, timeline, incidents, dead_letters, templates]


@pytest.mark.parametrize("fill", LISTS)
@pytest.mark.parametrize("limit", ["1", "3", "7"])
async def test_pages_show_every_item_once_and_in_the_order_of_the_whole_list(api, read_side, fill, limit):
    path = await fill(read_side)
    whole = (await api.get(path)).body
    assert len(whole["items"]) == 7
    assert whole["next_cursor"] is None
    assert await walk(api, path, limit=limit) == whole["items"]


async def test_what_comes_in_meanwhile_shifts_nothing(api, read_side):
    await enrollments(read_side)
    before = (await api.get(ENROLLMENTS)).body["items"]
    first = (await api.get(ENROLLMENTS, params={"limit": 3})).body
    await read_side.enrollment(id=uuid4(), contact_id="new", enrolled_at=START + timedelta(days=1))
    rest = (await api.get(ENROLLMENTS, params={"limit": 500, "cursor": first["next_cursor"]})).body
    assert first["items"] + rest["items"] == before


async def test_a_filter_goes_on_over_pages(api, read_side):
    await read_side.workflow()
    for number in range(6):
        status = "completed" if number % 2 else "active"
        await read_side.enrollment(id=UUID(int=number + 1), contact_id=f"c{number}", status=status)
    found = await walk(api, ENROLLMENTS, limit="2", status="completed")
    assert {item["status"] for item in found} == {"completed"}
    assert len(found) == 3


@pytest.mark.parametrize("limit", ["0", "-1", "501", "many", "", "1.5", "9" * 30])
async def test_a_limit_is_from_1_to_500(api, limit):
    assert_problem(await api.get("/api/v1/contacts", params={"limit": limit}), 400, "bad_query")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!",
        "ünï",
        "W10",  # []
        "eyJhIjoxfQ",  # {"a":1}
        "WyJ0aW1lbGluZSIsIjEiXQ",  # of another list: ["timeline","1"]
        "WyJjb250YWN0cyJd",  # too few keys
        "WyJjb250YWN0cyIsImEiLCJiIl0",  # too many
        "WyJjb250YWN0cyIsIlx1MDAwMCJd",  # NUL
    ],
)
async def test_a_cursor_that_the_list_did_not_give_out_is_refused(api, cursor):
    assert_problem(await api.get("/api/v1/contacts", params={"cursor": cursor}), 400, "bad_cursor")


@pytest.mark.parametrize(
    "keys", ['["enrollments","2026-03-01T09:00:00","x"]', '["enrollments","infinity","y"]', '["enrollments",1,2]']
)
async def test_a_forged_cursor_reaches_no_query(api, read_side, keys):
    from base64 import urlsafe_b64encode

    await read_side.workflow()
    cursor = urlsafe_b64encode(keys.encode()).decode()
    assert_problem(await api.get(ENROLLMENTS, params={"cursor": cursor}), 400, "bad_cursor")
