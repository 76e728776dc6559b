"""How values look on a page; whatever a contact is called, it stays text."""

from datetime import UTC, datetime

import pytest

from api.pages.format import due, moment, parse_time, pretty, prose, status_badge
from api.pages.view import environment
from api.pages.workflows import source_lines
from domain.times import span_text

NINE = datetime(2026, 3, 1, 9, 0, 0, 250_000, UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (1, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (90_061, "1 d 1 h"),
        (86_460, "1 d"),
        (400 * 86_400, "400 d"),
    ],
)
def test_a_span_of_time_is_told_in_its_two_largest_units(seconds, words):
    assert span_text(seconds) == words


def test_a_time_is_shown_to_the_second_and_kept_exactly():
    assert moment(NINE) == (
        '<time datetime="2026-03-01T09:00:00.250000Z" title="2026-03-01T09:00:00.250000Z">2026-03-01 09:00:00</time>'
    )
    assert "ndash" in moment(None)


@pytest.mark.parametrize(("now", "words"), [(-10_000, "in 10 s"), (0, "now"), (70_000, "1 min 10 s ago")])
def test_a_due_time_tells_how_far_it_is(now, words):
    assert words in due(NINE, round(NINE.timestamp() * 1000) + now)


@pytest.mark.parametrize("found", [None, 7, "", "soon", "2026-03-01T09:00:00", {}, []])
def test_what_is_no_time_is_none(found):
    assert parse_time(found) is None


def test_a_due_time_of_an_execution_is_read():
    assert parse_time("2026-03-01T10:00:00+01:00") == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_nothing_that_a_contact_is_called_becomes_markup():
    evil = '<script>alert("x")</script>'
    assert "<script" not in status_badge(evil)
    template = environment().from_string("{{ name }} {{ data | pretty }} <a title='{{ name }}'>")
    shown = template.render(name=evil + "'", data={"note": evil})
    assert "<script" not in shown
    assert "''" not in shown
    assert pretty({"é": 1}) == '{\n  "é": 1\n}'


def test_what_stands_between_backticks_is_code_and_nothing_else_is_markup():
    assert prose("the rule is `once`, <b>said</b> `<i>`") == (
        "the rule is <code>once</code>, &lt;b&gt;said&lt;/b&gt; <code>&lt;i&gt;</code>"
    )


def test_a_diagnostic_stands_at_its_line_or_at_the_nearest_there_is():
    found = [{"line": 2, "message": "b"}, {"line": 99, "message": "z"}, {"line": 0, "message": "a"}]
    lines = source_lines("one\ntwo\nthree\n", found)
    assert [(line["number"], [about["message"] for about in line["about"]]) for line in lines] == [
        (1, ["a"]),
        (2, ["b"]),
        (3, ["z"]),
    ]
    assert [line["text"] for line in source_lines("", found)] == [""]
