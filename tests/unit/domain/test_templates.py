"""Templates: what Liquid prints for a scope, by either path, within limits and without a clock."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain import liquid
from domain.contact import Contact
from domain.enrollment import Enrollment
from domain.errors import HeadraceError, StepError
from domain.fields import Scope
from domain.liquid_dates import date_text
from domain.templates import (
    Template,
    TemplateError,
    compile_template,
    has_tokens,
    map_templates,
    render_value,
    unknown_name_hint,
)
from domain.times import format_time, read_time_ms

NOW_MS = read_time_ms("2026-05-01T08:05:09.123Z") or 0


def render(source: str, **fields: Any) -> str:
    contact = Contact(id="c-1", first_name="Ann", tags=("vip", "lead"), custom_fields=fields)
    event = {"id": "e-1", "type": "t", "data": {"items": [{"sku": "x"}, {"sku": "y"}], "body": "a\r\nb"}}
    enrollment = Enrollment(id="en", workflow_id="w", version=1, event=event, outputs={"call": {"code": 7}})
    return compile_template(source).render(Scope(contact, NOW_MS, enrollment=enrollment))


# ---------------------------------------------------------------- what is printed


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("no braces at all", "no braces at all"),
        ("a } b { c }} % %}", "a } b { c }} % %}"),
        ("Hi {{first_name}}, thanks!", "Hi Ann, thanks!"),
        ("Hi {{ first_name }}{{last_name}}!", "Hi Ann!"),
        ("{{ contact.first_name }} {{ contact }}", "Ann "),
        ("{{ event.items[1].sku }}{{ event.items.0.sku }}{{ event.items.last.sku }}", "yxy"),
        ("{{ event.body }}", "a\r\nb"),
        ("{{ steps.call.output.code }}", "7"),
        ("{{ enrollment.id }}", "en"),
        ("{{ custom_fields['full name'] }}", "Ann Lee"),
        ("{{ partial }}", "a custom field"),
        ("a {{- first_name -}} b", "aAnnb"),
        ("{% raw %}{{ first_name }}{% endraw %}", "{{ first_name }}"),
        ("{% if tags contains 'vip' %}VIP{% else %}-{% endif %}", "VIP"),
        ("{% for tag in tags %}{{ forloop.index }}{{ tag }} {% endfor %}", "1vip 2lead "),
        ("{{ nickname | default: 'you' }}", "you"),
        ("{% if nickname == nil %}nil{% endif %}", "nil"),
        ("{% assign first_name = 'Bo' %}{{ first_name }} {{ contact.first_name }}", "Bo Ann"),
        ("{% capture x %}a\r\nb{% endcapture %}{{ x }}", "a\r\nb"),
        ("{{ tags | join: ', ' | upcase }}", "VIP, LEAD"),
        ("{{ first_name | json }}{{ nickname | json }}{{ tags | json }}", '"Ann"null["vip","lead"]'),
        ("{{ 'a-b-c' | replace: '-', '' }}", "abc"),
        ("{% for i in (1..3) %}{{ i }}{% endfor %}{{ (1..3) }}", "1231..3"),
        ("{% echo tags %}", "viplead"),
    ],
)
def test_a_template_prints(source: str, text: str) -> None:
    assert render(source, **{"full name": "Ann Lee", "partial": "a custom field"}) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (5.0, "5.0"),
        (["a", 1, True, None, ["b"]], "a1trueb"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
    ],
)
def test_a_value_prints_the_same_by_either_path(value: Any, text: str) -> None:
    plain, with_filter = compile_template("{{ x }}"), compile_template("{{ x }}{{ nothing | default: '' }}")
    assert (plain.is_plain, with_filter.is_plain) == (True, False)
    assert render(plain.source, x=value) == render(with_filter.source, x=value) == text


_NAMES = st.sampled_from(["first_name", "x", "utm", "tags", "contact", "event", "data", "size", "0", "a-b", "first"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).filter(lambda names: names[0] != "0").map(".".join)
_TOKENS = _PATHS.map("{{{{ {} }}}}".format)
_TEXTS = st.text(st.sampled_from("aé {}%\r\n-"), max_size=6)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(parts=st.lists(_TOKENS | _TEXTS, max_size=6), fields=st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_the_fast_path_prints_what_liquid_prints(parts: list[str], fields: dict[str, Any]) -> None:
    source = "".join(parts)
    try:
        template = compile_template(source)
    except TemplateError:
        assume(False)
    assert template.is_plain or "{%" in source
    scope = Scope(
        Contact(id="c", first_name="Ann", tags=("vip",), custom_fields=fields), NOW_MS, event={"data": fields}
    )
    assert _outcome(lambda: template.render(scope)) == _outcome(lambda: liquid.render(liquid.parse(source), scope))


def _outcome(call: Any) -> Any:
    """The text, or that there is none (an integer beyond 64 bits is no JSON, for one)."""
    try:
        return call()
    except (StepError, OverflowError, ValueError):
        return None


# ---------------------------------------------------------------- time


def test_now_is_the_scopes() -> None:
    assert render("{{ now }}") == "2026-05-01T08:05:09.123Z"
    assert (
        render("{{ now | date: '%s' }} {{ 'now' | date: '%F' }} {{ 'today' | date: '%T' }}")
        == "1777622709 2026-05-01 08:05:09"
    )
    assert render("{{ today }}") == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-05-01", "2026-05-01 00:00 +0000"),
        ("2026-05-01T10:00:00+02:00", "2026-05-01 10:00 +0200"),
        ("2026-05-01T10:00:00-03:30", "2026-05-01 10:00 -0330"),
        (1_777_622_400, "2026-05-01 08:00 +0000"),
        ("1777622400", "2026-05-01 08:00 +0000"),
        ("10:00", "10:00"),
        ("May", "May"),
        ("", ""),
        (None, ""),
        (10**30, str(10**30)),
    ],
)
def test_the_date_filter_reads_times_and_leaves_the_rest_alone(value: Any, text: str) -> None:
    assert render("{{ x | date: '%F %R %z' }}", x=value) == text


@given(
    at=st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 30)),  # noqa: DTZ001 - the zone comes from `offset`
    offset=st.integers(-14 * 60, 14 * 60),
)
def test_the_date_filter_prints_as_strftime_does(at: datetime, offset: int) -> None:
    pattern = "%Y %y %C %m %d %e %j %H %I %k %l %M %S %p %P %a %A %b %B %h %u %w %U %W %V %G %z %D %F %R %T %% %n%t"
    moment = at.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert date_text(moment.isoformat(), pattern, 0) == moment.strftime(pattern)
    assert date_text(moment.isoformat(), "%s", 0) == str(int(moment.timestamp() // 1))


def test_flags_pad_and_raise_and_unknown_directives_stay() -> None:
    assert date_text("2026-05-01T08:05:09.12Z", "%-d.%-m. %_d %^a %L %N %Z %c|%Q %", 0) == (
        "1.5.  1 FRI 120 120000000 UTC Fri May  1 08:05:09 2026|%Q %"
    )


@pytest.fixture
def another_time_zone() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Auckland"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def test_the_machines_time_zone_does_not_matter(another_time_zone: None) -> None:
    assert (
        render("{{ now | date: '%F %T %s' }} {{ 0 | date: '%F %T' }}")
        == "2026-05-01 08:05:09 1777622709 1970-01-01 00:00:00"
    )


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 - it adds the zone
def test_times_are_written_as_they_are_read(at: datetime) -> None:
    at_ms = read_time_ms(at.isoformat())
    assert at_ms is not None
    assert read_time_ms(format_time(at_ms)) == at_ms


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("Hi {{ first_name", 1, "expected `}}`"),
        ("a\nb {{ first_name | shout }}", 2, "no filter `shout`"),
        ("a\n\n{% if x | nope %}{% endif %}", 3, ""),
        ("a\n{% for x in tags %}", 2, "endfor"),
        ("{% include 'x' %}", 1, "include"),
        ("\n{% render 'x' %}", 2, "render"),
        ("{% frobnicate %}", 1, "frobnicate"),
        ("{{ }}", 1, ""),
        ("{{{first_name}}}", 1, ""),
        ("{% assign a = b | nope %}", 1, "nope"),
        ("{% if x %}" * 40 + "{% endif %}" * 40, 1, "nesting"),
        ("{{ x" + "[x" * 990 + "]" * 990 + " }}", 1, "`}}` within"),
        ("{{ " + "x" * 2_001 + " }}", 1, "within 2,000 characters"),
        ("\n{% " + "x" * 100_000, 2, "within 2,000 characters"),
        ("{{ x }}" * 501, 1, "at most 500"),
        ("x" * 200_000, 1, "at most 102,400 bytes"),
        ("{{ x }}" + "ä" * 60_000, 1, "at most 102,400 bytes"),
    ],
)
def test_what_is_no_template_is_refused_with_its_line(source: str, line: int, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(source)
    assert caught.value.line == line
    assert words in str(caught.value)
    assert isinstance(caught.value, HeadraceError)


@given(
    st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "{%",
                "%}",
                "-",
                "if ",
                "endif",
                "for ",
                "x",
                " ",
                "|",
                "[",
                "'",
                ".",
                "\n",
                "raw",
                "(1..2)",
                "json",
            ]
        ),
        max_size=14,
    )
)
def test_any_text_is_a_template_or_refused_and_renders_or_fails_as_a_step(parts: list[str]) -> None:
    with suppress(TemplateError, StepError):
        assert isinstance(render("".join(parts), x=[1]), str)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ big }}{{ big }}", "102,400 bytes"),
        ("{{ big }}{{ big | upcase }}", "102,400 bytes"),
        ("{% for i in (1..200) %}{% for j in (1..200) %}x{% endfor %}{% endfor %}", "more than 10,000 times"),
        ("{% for a in (1..2000) %}{% endfor %}" * 6, "more than 10,000 times"),
        ("{{ (1..1000000000) | join }}", "more than 2,000 items"),
        ("{% for i in (1..event_count) reversed %}x{% endfor %}", "more than 2,000 items"),
        ("{{ big | replace: 'x', big }}", "more than 102,400 characters"),
        ("{{ big | split: '' | size }}", "more than 2,000 items"),
        (
            "{% assign n = 9 %}{% for i in (1..40) %}{% assign n = n | times: n %}{% endfor %}{{ n }}",
            "more than 4,096 bits",
        ),
        ("{% for i in (1..30) %}{{ big | strip_html | size }}{% endfor %}", "more, over all"),
        ("{% for i in (1..9) %}{% capture c %}{{ c }}{{ c }}{{ big }}{% endcapture %}{% endfor %}", "102,400 bytes"),
        ("{{ 1 | divided_by: 0 }}", "divide by 0"),
        ("{{ first_name | append }}", "append"),
        ("{{ tags | sort: 1, 2, 3 }}", "argument"),
        ("a\nb\n{{ 'x' | plus: 'y' | divided_by: 'z' }}", "(line 3)"),
    ],
)
def test_what_exceeds_a_limit_or_breaks_a_filter_fails_the_step(source: str, words: str) -> None:
    with pytest.raises(StepError) as caught:
        render(source, big="x" * 60_000, event_count=10**12)
    assert caught.value.code == "template_error"
    assert words in str(caught.value)


# ---------------------------------------------------------------- names, structures


def test_names_that_nobody_may_have_are_reported_once_in_order() -> None:
    source = "{{ fist_name }} {{ first_name }} {% for t in tags %}{{ t }}{% endfor %} {{ score | plus: bonus }} {{ fist_name }}"
    assert compile_template(source).unknown_names == ("fist_name", "score", "bonus")
    known = "{{ custom_fields.score }}{{ contact.score }}{{ event.x }}{{ steps.a.output.b }}{{ now }}{{ last_sms_reply }}{{ tags }}"
    assert compile_template(known).unknown_names == ()


def test_the_hint_for_a_name_suggests_what_was_meant() -> None:
    assert (
        unknown_name_hint("fist_name")
        == "did you mean `first_name`? A custom field is written `custom_fields.fist_name`"
    )
    assert unknown_name_hint("score") == "A custom field is written `custom_fields.score`"


def test_templates_of_one_source_are_equal() -> None:
    assert compile_template("{{ x }}") == compile_template("{{ x }}")
    assert compile_template("{{ x }}") != compile_template("{{ y }}")
    assert len({compile_template("{{ x }}"), compile_template("{{ x }}")}) == 1


def test_a_nested_structure_is_rendered_leaf_by_leaf_and_keeps_its_other_values() -> None:
    value = {
        "{{ key }}": ["{{ first_name }}", 5, None, {"deep": "{% if tags %}yes{% endif %}"}],
        "plain": "as it is",
        "on": True,
    }
    compiled = map_templates(value)
    assert isinstance(compiled["{{ key }}"][0], Template)
    assert compiled["plain"] == "as it is"
    scope = Scope(Contact(id="c", first_name="Ann", tags=("a",)), 0)
    assert render_value(compiled, scope) == {
        "{{ key }}": ["Ann", 5, None, {"deep": "yes"}],
        "plain": "as it is",
        "on": True,
    }


def test_a_structure_with_a_bad_text_is_refused() -> None:
    with pytest.raises(TemplateError):
        map_templates({"a": [{"b": "{{ x | nope }}"}]})


@pytest.mark.parametrize(
    ("text", "expected"), [("a", False), ("{{a}}", True), ("{% if x %}", True), ("{ {a} }", False)]
)
def test_has_tokens(text: str, expected: bool) -> None:
    assert has_tokens(text) is expected
