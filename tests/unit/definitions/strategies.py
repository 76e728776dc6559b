"""Definitions made up by hypothesis: ones that can be read, and documents of any kind at all."""

from typing import Any

from hypothesis import strategies as st

TRICKY = [
    "no", "on", "NO", "Yes", "null", "Null", "~", "true", "False", "010", "0x1F", "1_000", "12:30:45", "+15551234567",
    "1e5", "1.0", ".5", ".inf", ".nan", "-0", "2026-01-31", "2026-01-31T09:05:00Z", "<<", "=", "*a", "&a", "!x", "a: b",
    "a #b", "- a", "{{first_name}}", "{% if x %}", "'", '"', "\\", "\t", " a", "a ", "a\n", "\na", "a\n\nb", "a \nb",
    "a\r\nb", "\u2028", "\x85", "\ufeff", "\x7f", "\U0001f600", "|", ">", "%", "@", "`", "?", ":", "-", "---", "...", "",
]  # fmt: skip
"""Text that one reader of YAML or another takes for something else, or that is hard to lay out."""

letters = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
texts = st.sampled_from(TRICKY) | letters
numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))
documents = st.dictionaries(texts, values, max_size=6)
"""Any document that JSON can hold, most of them no definition."""

names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20).filter(
    lambda text: "{" not in text and "}" not in text
)
rendered = names | st.sampled_from(
    ["Hi {{first_name}}", "{{ first_name | upcase }}\n\n{% if email %}x{% endif %}", "no", "010", "a: b"]
)
fields = st.sampled_from(["source", "email", "custom_fields.plan", "event.body", "steps.s0.output.id", "tags"])

comparisons = st.one_of(
    st.fixed_dictionaries({"field": fields, "operator": st.sampled_from(["exists", "not_exists"])}),
    st.fixed_dictionaries(
        {"field": fields, "operator": st.sampled_from(["equals", "contains"]), "value": names | numbers}
    ),
    st.fixed_dictionaries({"field": fields, "operator": st.just("in"), "value": st.lists(names, max_size=3)}),
    st.fixed_dictionaries(
        {"field": fields, "operator": st.just("within_last"), "value": st.integers(1, 9), "unit": st.just("days")}
    ),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"all": found}),
        inner.map(lambda found: {"any": found}),
        inner.map(lambda found: {"not": found}),
        st.lists(inner, min_size=1, max_size=2).map(lambda found: {"not": found}),
    ),
    max_leaves=5,
)

triggers = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["contact_created", "manual", "sms_received"])}),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["tag_added", "tag_removed"]), "config": st.fixed_dictionaries({"tag": names})},
        optional={"conditions": st.lists(conditions, max_size=2) | conditions},
    ),
    st.fixed_dictionaries({"type": st.just("sms_received"), "config": st.fixed_dictionaries({"contains": names})}),
    st.fixed_dictionaries(
        {
            "type": st.just("field_updated"),
            "config": st.fixed_dictionaries({"field": names}, optional={"from": scalars, "to": scalars}),
        }
    ),
    st.fixed_dictionaries({"type": st.just("event"), "config": st.fixed_dictionaries({"name": names})}),
)

_units = st.sampled_from(["seconds", "minutes", "hours", "days", "weeks"])
_arms = st.lists(names, min_size=1, max_size=4, unique=True)
_shares = st.floats(0.25, 100)

configs: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "send_sms": st.one_of(
        st.fixed_dictionaries({"template": names}), st.fixed_dictionaries({"body": rendered}, optional={"to": rendered})
    ),
    "send_email": st.one_of(
        st.fixed_dictionaries({"template": names}),
        st.fixed_dictionaries({"subject": rendered, "body": rendered}, optional={"html": rendered}),
    ),
    "add_tag": st.fixed_dictionaries({"tag": rendered}),
    "remove_tag": st.fixed_dictionaries({"tag": rendered}),
    "update_field": st.fixed_dictionaries(
        {"field": st.just("plan"), "value": numbers | rendered | st.none() | st.lists(texts)}
    ),
    "delay": st.fixed_dictionaries({}, optional={"duration": st.integers(0, 500) | st.floats(0, 500), "unit": _units}),
    "condition": conditions,
    "ab_split": _arms.flatmap(
        lambda arms: st.fixed_dictionaries(
            {"paths": st.just(arms)}, optional={"weights": st.lists(_shares, min_size=len(arms), max_size=len(arms))}
        )
    ),
    "http_request": st.fixed_dictionaries(
        {"url": st.just("https://example.com/{{first_name}}")},
        optional={
            "method": st.sampled_from(["GET", "POST"]),
            "json": values.filter(lambda value: "{" not in str(value).replace("{}", "")),
            "query": st.dictionaries(names, st.integers(-9, 9) | names, max_size=2),
            "timeout": st.sampled_from([5, 2.5, "30s"]),
            "success": st.just(204) | st.just([200, 404]),
            "save": st.just({"order": "data.id"}),
        },
    ),
    "exit": st.fixed_dictionaries({}, optional={"reason": names.filter(str.strip)}),
}
configs["webhook"] = configs["http_request"]
_awaited = triggers.filter(lambda trigger: trigger["type"] != "manual") | names
configs["wait_for_event"] = st.fixed_dictionaries(
    {"event": _awaited | st.lists(_awaited, min_size=1, max_size=3)},
    optional={"timeout": configs["delay"] | st.sampled_from(["2d", "1.5h"])},
)


@st.composite
def steps(draw: st.DrawFn, step_id: str, targets: list[str]) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(configs)))
    step: dict[str, Any] = {"id": step_id, "type": kind}
    config = draw(configs[kind])
    if config or draw(st.booleans()):
        step["config"] = config
    waits = ["received", "timeout"] if "timeout" in config else ["received"]
    branches = {"condition": ["true", "false"], "ab_split": config.get("paths", []), "wait_for_event": waits}.get(kind)
    if branches and draw(st.booleans()):
        step["branches"] = {name: draw(st.sampled_from(targets)) for name in branches}
    if draw(st.booleans()):
        step["next"] = draw(st.sampled_from(targets))
    if draw(st.booleans()):
        step["retry"] = {"max_attempts": draw(st.integers(1, 9)), "backoff": draw(st.sampled_from([0.5, 2, "5m"]))}
    if draw(st.booleans()):
        step["on_failure"] = draw(st.sampled_from(["incident", "continue", "exit"]))
        step["when_unknown"] = draw(st.sampled_from(["never_twice", "retry"]))
    if kind in ("send_sms", "send_email") and draw(st.booleans()):
        step["send_window"] = draw(st.sampled_from(["always", {"from": "09:00", "to": "20:00", "days": ["mon"]}]))
    if kind in ("send_sms", "send_email") and draw(st.booleans()):
        step["frequency_cap"] = draw(st.sampled_from(["none", {"messages": 2, "per": "24h", "when_over": "skip"}]))
    if draw(st.booleans()):
        step["max_lateness"] = draw(st.sampled_from([0, 90.5, "2h"]))
        step["when_late"] = draw(st.sampled_from(["run", "skip", "exit"]))
    return step


@st.composite
def workflows(draw: st.DrawFn) -> dict[str, Any]:
    """A definition without an error; warnings are possible."""
    ids = [f"s{index}" for index in range(draw(st.integers(1, 5)))]
    document: dict[str, Any] = {"name": draw(names)}
    if draw(st.booleans()):
        document["version"] = draw(st.integers(1, 9) | st.just("2026-01"))
    if draw(st.booleans()):
        document["trigger"] = draw(triggers)
    else:
        document["triggers"] = draw(st.lists(triggers, min_size=1, max_size=3))
    if draw(st.booleans()):
        document["reentry"] = draw(st.sampled_from(["once", "after_exit", "always"]))
    if draw(st.booleans()):
        document["description"] = draw(texts)
    document["steps"] = [draw(steps(step_id, [*ids, "end"])) for step_id in ids]
    return document
