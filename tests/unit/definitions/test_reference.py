"""The language reference says what the code does: its codes, its words and its examples."""

import re
import textwrap
from pathlib import Path

import pytest

from schemas.definition import DRAFT, UNREADABLE, WARNINGS, parse_all
from schemas.definition.model import RetryModel, StepModel, WorkflowModel
from schemas.definition.steps import ALIASES, NOT_AVAILABLE, STEP_KINDS
from schemas.definition.triggers import TRIGGERS
from schemas.definition.values import UNIT_SECONDS

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
PAGE = (FOLDER / "definitions.md").read_text(encoding="utf-8")
EXAMPLES = [
    textwrap.dedent(found)
    for page in (PAGE, (FOLDER / "wait_for_event.md").read_text(encoding="utf-8"))
    for found in re.findall(r" *```yaml\n(.*?)```", page, re.DOTALL)
]


@pytest.mark.parametrize("codes", [UNREADABLE, DRAFT, WARNINGS])
def test_every_code_is_explained_as_the_code_explains_it(codes):
    assert "\n".join(f"| `{code}` | {meaning} |" for code, meaning in codes.items()) in PAGE


@pytest.mark.parametrize(
    "words",
    [
        [*STEP_KINDS, *ALIASES, *NOT_AVAILABLE],
        TRIGGERS,
        UNIT_SECONDS,
        WorkflowModel.model_fields,
        StepModel.model_fields,
        RetryModel.model_fields,
        {field.alias or name for kind in STEP_KINDS.values() for name, field in kind.config.model_fields.items()}
        - {"unit"},
    ],
)
def test_every_word_of_the_language_is_there(words):
    assert [word for word in words if f"`{word}`" not in PAGE] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_read_without_a_finding(example):
    assert [parsed.diagnostics for parsed in parse_all(example.encode(), format="yaml")] == [
        () for _ in example.split("---\n")
    ]
