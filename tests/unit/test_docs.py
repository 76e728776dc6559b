"""The docs say what the code says: generated parts are current, links lead somewhere, decisions are listed."""

import re
from pathlib import Path

import pytest

from docs.generate import PARTS, generated, status_diagram
from domain.enrollment import TRANSITIONS

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "bench/*.md")
    for page in ROOT.glob(pattern)
)


@pytest.mark.parametrize("page", PARTS)
def test_the_generated_parts_are_current(page):
    current = (ROOT / "docs" / page).read_text(encoding="utf-8")

    assert current == generated(page), "run `make docs`"


def test_the_diagram_has_every_transition_and_no_other():
    arrows = set(re.findall(r"^ +(\S+) --> (\S+)$", status_diagram(TRANSITIONS), re.MULTILINE))
    closed = {status for status, targets in TRANSITIONS.items() if not targets}

    assert arrows == {(status, target) for status, targets in TRANSITIONS.items() for target in targets} | {
        ("[*]", "active"),
        *((status, "[*]") for status in closed),
    }


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_within_the_repository_leads_to_a_file(page):
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]

    assert [target for target in targets if not (ROOT / page.parent / target).exists()] == []


def test_every_decision_is_listed():
    pages = {page.name for page in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    listed = set(re.findall(r"\((\d{4}-[^)]+\.md)\)", (ROOT / "docs" / "adr" / "index.md").read_text()))

    assert listed == pages


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")), ids=lambda page: page.name)
def test_a_decision_has_its_headings(page):
    text = page.read_text(encoding="utf-8")

    assert text.startswith(f"# {page.name[:4]}: ")
    assert re.search(r"^Status: (proposed|accepted|superseded by \d{4})$", text, re.MULTILINE)
    assert all(f"\n## {heading}\n" in text for heading in ("Context", "Decision", "Consequences"))
