"""A backtest's report as people read it: numbers, steps, days, and two paths side by side."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from headrace.cli.output import print_table, print_text

_BAR: Final = 30
"""Columns of the longest bar."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_DAYS: Final = 62
_COUNTS: Final = ("entered", "completed", "skipped", "failed", "waiting")
_CHANGES: Final = {
    "gained": "enrolled now, not before",
    "lost": "enrolled before, not now",
    "path": "other steps or another end",
    "content": "the same steps, other messages or changes",
    "times": "the same, at other times",
    "same": "the same",
}

Report = Mapping[str, Any]


def print_report(report: Report, *, priced: bool) -> None:
    """All of it; what costs is left out when no prices are known."""
    old, new = report["old"], report["new"]
    _head(report)
    _measures(old, new, priced=priced)
    _steps(old, new)
    _started(old, new)
    _days(old, new)
    if report["difference"]:
        _difference(report["difference"])


def _head(report: Report) -> None:
    old, new, window = report["old"], report["new"], report["window"]
    what = f"{old['label']} → {new['label']}" if old else new["label"]
    name = report["workflow"]["name"] or report["workflow"]["id"]
    print_text(f"{name}: {what}")
    print_text(f"{_short(window['since'])} to {_short(window['until'])}, {report['facts']:,} contact events were read")
    print_text("")


def _measures(old: Report | None, new: Report, *, priced: bool) -> None:
    rows = []
    for name, value in new["measures"].items():
        was = old["measures"][name] if old else None
        if (name == "cost" and not priced) or not (value or was or name in ("enrolled", "messages")):
            continue
        rows.append(
            (name, f"{was:,g}", f"{value:,g}", _change(was, value)) if was is not None else (name, f"{value:,g}")
        )
    columns = ("of all", "old", "new", "change") if old else ("of all", "")
    print_table(columns, rows, empty="")
    for side in (old, new):
        if side:
            reasons = side["skipped"] | side["failures"]
            if reasons:
                words = ", ".join(f"{name} {count:,}" for name, count in reasons.items())
                print_text(f"  not enrolled, or failed{', ' + side['label'] if old else ''}: {words}")
    print_text("")


def _change(was: float, now: float) -> str:
    if now == was:
        return ""
    return f"{now - was:+,g}" + (f" ({(now - was) / was:+.1%})" if was else "")


def _steps(old: Report | None, new: Report) -> None:
    before = {step["step_id"]: step for step in old["steps"]} if old else {}
    gone = [step for step_id, step in before.items() if step_id not in {one["step_id"] for one in new["steps"]}]
    rows = []
    for step in [*new["steps"], *gone]:
        was, now = before.get(step["step_id"]), None if step in gone else step
        cells = [_pair(was, now, count) if old else f"{step[count]:,}" for count in _COUNTS]
        kind = step["kind"] if was is None or was["kind"] == step["kind"] else f"{was['kind']} → {step['kind']}"
        rows.append((step["step_id"], kind, *cells, _branches(was, now, compared=old is not None)))
    print_table(("step", "kind", *_COUNTS, "branches"), rows, empty="nobody was enrolled")
    print_text("")


def _pair(was: Report | None, now: Report | None, name: str) -> str:
    before, after = (was or {}).get(name, 0), (now or {}).get(name, 0)
    return f"{after:,}" if before == after else f"{before:,} → {after:,}"


def _branches(was: Report | None, now: Report | None, *, compared: bool) -> str:
    before, after = (was or {}).get("branches", {}), (now or {}).get("branches", {})
    words = []
    for name in dict.fromkeys([*before, *after]):
        first, second = before.get(name, 0), after.get(name, 0)
        words.append(f"{name} {second:,}" if not compared or first == second else f"{name} {first:,} → {second:,}")
    return ", ".join(words)


def _started(old: Report | None, new: Report) -> None:
    before = {one["workflow_id"]: one for one in old["started"]} if old else {}
    after = {one["workflow_id"]: one for one in new["started"]}
    rows = [
        (
            (after.get(workflow_id) or before[workflow_id])["name"] or workflow_id,
            _pair(before.get(workflow_id), after.get(workflow_id), "enrolled")
            if old
            else after[workflow_id]["enrolled"],
            _pair(before.get(workflow_id), after.get(workflow_id), "messages")
            if old
            else after[workflow_id]["messages"],
        )
        for workflow_id in dict.fromkeys([*before, *after])
    ]
    if rows:
        print_text("Other workflows that its changes start:")
        print_table(("workflow", "enrolled", "messages"), rows, empty="")
        print_text("")


def _days(old: Report | None, new: Report) -> None:
    """A bar for the messages of each day (if there are none, the enrolled); of two versions, one below the other."""
    before = {day["date"]: day for day in old["days"]} if old else {}
    after = {day["date"]: day for day in new["days"]}
    dates = sorted({*before, *after})
    all_days = [*before.values(), *after.values()]
    shown_by = "messages" if any(day["messages"] for day in all_days) else "enrolled"
    most = max((day[shown_by] for day in all_days), default=0)
    rows: list[Sequence[object]] = []
    for date in dates[-_DAYS:]:
        sides = (("old", before.get(date)), ("new", after.get(date))) if old else (("", after.get(date)),)
        for index, (label, day) in enumerate(sides):
            enrolled, messages = (day["enrolled"], day["messages"]) if day else (0, 0)
            shown = "" if index else date
            rows.append(
                (
                    shown,
                    *([label] if old else []),
                    f"{enrolled:,}",
                    f"{messages:,}",
                    bar(day[shown_by] if day else 0, most),
                )
            )
    if rows:
        print_table(("day", *([""] if old else []), "enrolled", "messages", ""), rows, empty="")
        if len(dates) > _DAYS:
            print_text(f"  {len(dates) - _DAYS} earlier days are in --json")
        print_text("")


def bar(value: int, most: int) -> str:
    """A bar of blocks, exact to an eighth of a column; something is never nothing."""
    eighths = round(value * _BAR * 8 / most) if most else 0
    if value:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _difference(difference: Report) -> None:
    changed, contacts = difference["changed"], difference["contacts"]
    share = f" ({changed / contacts:.1%})" if contacts else ""
    print_text(f"{changed:,} of {contacts:,} contacts{share} would be treated differently:")
    rows = [(_CHANGES[name], f"{count:,}") for name, count in difference["changes"].items() if count]
    print_table(("", "contacts"), rows, empty="")
    print_text("")
    if difference["turns"]:
        print_text("Where their paths part:")
        print_table(
            ("old", "new", "contacts"),
            [(turn["old"], turn["new"], f"{turn['contacts']:,}") for turn in difference["turns"]],
            empty="",
        )
        print_text("")
    for sample in difference["samples"]:
        _sample(sample)


def _sample(sample: Report) -> None:
    print_text(f"Contact {sample['contact_id']}: {_CHANGES[sample['change']]}")
    old, new = _lines(sample["old"]), _lines(sample["new"])
    rows = [(*(was or ("", "")), "" if was == now else "|", *(now or ("", ""))) for was, now in zip_longest(old, new)]
    print_table(("old", "", "", "new", ""), rows, empty="")
    print_text("")


def _lines(paths: Sequence[Report]) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for path in paths:
        lines.append((_short(path["enrolled_at"]), f"enrolled by {path['trigger']}"))
        lines += [(_short(step["at"]), _step(step)) for step in path["steps"]]
        reason = f" ({path['reason']})" if path["reason"] else ""
        lines.append((_short(path["ended_at"] or ""), path["end"] + reason))
    return lines or [("", "not enrolled")]


def _step(step: Report) -> str:
    words = step["branch"] or (f"{step['channel']} {step['outcome']}" if step["outcome"] else step["status"])
    code = f" ({step['code']})" if step["code"] else ""
    return f"{step['step_id']}: {words}{code}"


def _short(at: str) -> str:
    """A time without its seconds' fraction, and without its zone: all are in UTC."""
    return at[:19].replace("T", " ")
