"""`GET /journal`: the journal as it stands, for tools; personal data only when it is asked for."""

import pytest

from domain import journal as j
from domain.partition import home_partition
from schemas.api_resources import JournalPage
from tests.integration.api.caller import assert_problem
from tests.integration.api.conftest import PARTITIONS
from tests.support.journals import write

PATH = "/api/v1/journal"
HOME = home_partition("ada", PARTITIONS)


@pytest.fixture
async def journal(log):
    """Three events of Ada's, at 1, 2 and 3 seconds past the epoch."""
    for seq in (1, 2, 3):
        event = j.ContactEventAccepted(
            seq=seq, at_ms=seq * 1_000, contact_id="ada", source="crm", event_id=str(seq), event_type="x",
            personal=j.Data({"secret": 1}),
        )  # fmt: skip
        await write(log, [event])


async def test_a_partition_page_by_page(api, journal):
    first = (await api.get(PATH, params={"partition": HOME, "limit": 2})).body
    second = (await api.get(PATH, params={"partition": HOME, "offset": first["next_offset"]})).body

    assert JournalPage.model_validate(first).model_dump(mode="json") == first, "it is not what the OpenAPI says"
    assert [item["event"]["seq"] for item in first["items"] + second["items"]] == [1, 2, 3]
    assert (first["partitions"], first["partition"], first["end_offset"]) == (PARTITIONS, HOME, 3)
    assert second["next_offset"] is None
    assert "secret" not in str(first)


async def test_a_contact_with_personal_data_from_a_time_on(api, journal):
    query = {"contact_id": "ada", "personal": "true", "since": "1970-01-01T00:00:02Z", "until": "1970-01-01T00:00:03Z"}
    (item,) = (await api.get(PATH, params=query)).body["items"]

    assert (item["partition"], item["offset"], item["event"]["seq"]) == (HOME, 1, 2)
    assert item["event"]["personal"] == {"data": {"secret": 1}}


@pytest.mark.parametrize(
    ("query", "status", "code", "words"),
    [
        ({"contact_id": "ada", "partition": "1"}, 400, "bad_query", "either contact_id or partition"),
        ({"partition": str(PARTITIONS)}, 400, "bad_query", "a partition from 0 to 3, found 4"),
        ({"since": "yesterday"}, 400, "bad_query", "since"),
        ({"limit": "5001"}, 400, "bad_query", "limit"),
        ({"offset": "-1"}, 400, "bad_query", "offset"),
        ({"contact_id": "x" * 129}, 422, "invalid_contact_id", "128"),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(api, query, status, code, words):
    problem = assert_problem(await api.get(PATH, params=query), status, code)

    assert words in problem["detail"]


async def test_a_contact_that_the_read_side_knows_is_not_searched_for(api, read_side, journal):
    await read_side.contact("ada")
    for seq in (1, 3):  # as if the second were somebody else's: it is not even looked at
        await read_side.happening(seq, offset=seq - 1)
    page = (await api.get(PATH, params={"contact_id": "ada"})).body

    assert [item["event"]["seq"] for item in page["items"]] == [1, 3]


async def test_a_read_side_of_another_log_is_told_to_be_rebuilt(api, read_side, journal):
    await read_side.contact("ada")
    await read_side.happening(1, offset=99)

    assert_problem(await api.get(PATH, params={"contact_id": "ada"}), 409, "not_indexed")
