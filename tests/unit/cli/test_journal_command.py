"""`headrace journal`: the same of a running Headrace and of the log itself; personal data only when asked for."""

import builtins
import json

import pyarrow.parquet
import pytest

from headrace import journal_source

WORKFLOW = "name: Hello\ntrigger: {type: contact_created}\nsteps:\n  - {id: hi, type: send_sms, config: {body: Hi}}\n"
UNTIL = "2026-11-01"


@pytest.fixture
def history(command, tmp_path, monkeypatch):
    """A data directory with a small history."""
    (tmp_path / "hello.yaml").write_text(WORKFLOW)
    into = tmp_path / "data"
    made = command(
        "simulate", "hello.yaml", "--contacts", "12", "--days", "2", "--until", UNTIL, "--into", into, "--json"
    )
    monkeypatch.setenv("HEADRACE_DATA_DIR", str(into))
    return made.json


def exported(command, *options):
    return [json.loads(line) for line in command("journal", "export", "--here", *options).out.splitlines()]


def test_a_line_an_event_with_its_place(command, history):
    items = exported(command)

    assert len(items) == history["journal_events"]
    assert [item["offset"] for item in items if item["partition"] == 2] == list(
        range(sum(i["partition"] == 2 for i in items))
    )
    assert {item["partition"] for item in items} == {0, 1, 2, 3}
    assert not [item for item in items if "personal" in item["event"]]


def test_personal_data_is_exported_when_it_is_asked_for(command, history):
    items = exported(command, "--personal")

    assert [i for i in items if i["event"].get("personal", {}).get("request", {}).get("body") == "Hi"]


def test_an_export_takes_its_file_only_when_it_is_whole(command, history, tmp_path):
    file = tmp_path / "journal.jsonl"
    file.write_text("kept")
    broken = command("journal", "export", "--here", "-o", file, HEADRACE_DATA_DIR=str(tmp_path / "nowhere"))
    assert (broken.code, file.read_text()) == (1, "kept")
    assert "expected a log in" in broken.err

    result = command("journal", "export", "--here", "-o", file)
    assert f"{history['journal_events']:,} events were written to {file}" in result.err
    assert len(file.read_text().splitlines()) == history["journal_events"]
    assert [path.name for path in tmp_path.glob(".*.part")] == []


def test_a_parquet_file_has_the_same_events(command, history, tmp_path):
    file = tmp_path / "journal.parquet"
    command("journal", "export", "--here", "--personal", "-o", file)
    rows = pyarrow.parquet.read_table(file).to_pylist()
    items = exported(command, "--personal")

    assert [(row["partition"], row["offset"]) for row in rows] == [(i["partition"], i["offset"]) for i in items]
    for row, item in zip(rows, items, strict=True):
        event = item["event"]
        assert (row["type"], row["seq"], row["contact_id"]) == (event["type"], event["seq"], event["contact_id"])
        assert round(row["at"].timestamp() * 1000) == event["at_ms"]
        assert json.loads(row["personal"] or "null") == (event.get("personal") or None)
        columns = {name: row[name] for name in ("enrollment_id", "workflow_id", "step_id", "version", "visit")}
        rest = json.loads(row["data"] or "{}") | {name: value for name, value in columns.items() if value is not None}
        assert rest == {k: v for k, v in event.items() if k not in ("type", "seq", "contact_id", "at_ms", "personal")}


def test_without_pyarrow_one_is_told_what_to_install(command, history, tmp_path, monkeypatch):
    known = builtins.__import__

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return known(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    result = command("journal", "export", "--here", "-o", tmp_path / "a.parquet")

    assert result.code == 1
    assert "pip install 'headrace[parquet]'`, or use `--format jsonl`" in result.err


def test_since_until_and_partition_narrow_it_down(command, history):
    everything = exported(command)
    times = sorted(item["event"]["at_ms"] for item in everything)
    middle = times[len(times) // 2]
    from domain.times import format_time

    late = exported(command, "--since", format_time(middle))
    early = exported(command, "--until", format_time(middle))

    assert len(late) + len(early) == len(everything)
    assert min(item["event"]["at_ms"] for item in late) >= middle > max(item["event"]["at_ms"] for item in early)
    assert exported(command, "--partition", "1") == [item for item in everything if item["partition"] == 1]


def test_inspect_shows_one_contact(command, history):
    found = command("journal", "inspect", "--here", "--contact", "contact-00003", "--json").json["items"]

    assert [item["event"]["seq"] for item in found] == list(range(1, len(found) + 1))
    assert {item["event"]["contact_id"] for item in found} == {"contact-00003"}
    table = command("journal", "inspect", "--here", "--contact", "contact-00003", "--limit", "1").out
    assert "contact_event_accepted" in table
    assert "event_type=contact.created" in table
    assert "+1555" not in table


def test_inspect_begins_where_it_is_told(command, history):
    found = command("journal", "inspect", "--here", "--partition", "1", "--from", "3", "--limit", "2", "--json").json

    assert [(item["partition"], item["offset"]) for item in found["items"]] == [(1, 3), (1, 4)]


def test_a_running_headrace_is_asked_page_by_page(call, headrace):
    def page(offset, next_offset, *, partition):
        item = {
            "partition": partition,
            "offset": offset,
            "event": {"type": "inputs_advanced", "seq": 1, "at_ms": 1, "contact_id": ""},
        }
        return {"partitions": 2, "partition": partition, "items": [item], "next_offset": next_offset, "end_offset": 9}

    for answer in (
        page(0, 1, partition=0),
        page(0, 1, partition=0),
        page(1, None, partition=0),
        page(0, None, partition=1),
    ):
        headrace.on("GET", "/api/v1/journal", answer)
    lines = [json.loads(line) for line in call("journal", "export", "--personal", "--since", UNTIL).out.splitlines()]

    assert [(line["partition"], line["offset"]) for line in lines] == [(0, 0), (0, 1), (1, 0)]
    asked = [request.query for request in headrace.sent("GET")][1:]
    assert [(query["partition"], query.get("offset")) for query in asked] == [(0, None), (0, 1), (1, None)]
    assert all(query["personal"] and query["limit"] == journal_source.PAGE and query["since"] for query in asked)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspect", "--contact", "a", "--partition", "1"], "--contact or --partition, found both"),
        (["inspect", "--from", "1", "--since", "2026-01-01"], "--from or --since, found both"),
        (["inspect", "--since", "yesterday"], "expected a time such as"),
        (["export", "--format", "parquet"], "name it by -o"),
        (["export", "--format", "xml"], "--format"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_wrong_call_is_told_the_mend(command, arguments, words):
    result = command("journal", *arguments)

    assert result.code == 2
    assert words in result.err
