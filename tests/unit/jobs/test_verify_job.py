"""The job `verify`: one at a time works on the ledgers, and what it is asked for is checked."""

import msgspec
import pytest

from headrace.jobs import verify
from headrace.jobs.context import JobContext
from headrace.jobs.kinds import load
from headrace.jobs.refusal import Refused
from headrace.settings import load_settings
from streams.data_directory import DataDirectory


async def test_a_second_one_waits_and_is_refused_when_that_takes_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr(verify, "_PATIENCE_S", 0.0)
    context = JobContext(settings=load_settings(data_dir=tmp_path))
    under_way = DataDirectory.acquire(tmp_path / "verify-stores")
    with under_way, pytest.raises(Refused, match="another verification is under way") as refused:
        await verify.run(verify.Request(stores_only=True), context)
    assert (refused.value.status, refused.value.code) == (409, "verify_under_way")


@pytest.mark.parametrize(
    ("body", "where"),
    [({"partition": -1}, "partition"), ({"workers": 0}, "workers"), ({"from_start": "yes"}, "from_start"), ({"all": 1}, "all")],
)  # fmt: skip
def test_a_request_that_makes_no_sense_names_its_field(body, where):
    request, _ = load("verify")
    with pytest.raises(msgspec.ValidationError, match=where):
        msgspec.convert(body, request)
