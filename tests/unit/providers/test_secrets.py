"""Secrets where providers are called: put in at the noted places, and hidden in whatever comes back."""

import json
from urllib.parse import quote

import pytest

from domain.action import ActionResult
from domain.secret_use import SecretUse
from streams.secrets import Secrets, UnknownSecret

VALUE = 'p/s "x"&é'
SECRETS = Secrets({"KEY": VALUE, "OTHER": "other"})
FORGED = "{{ secrets.KEY }}"


def test_references_are_filled_in_where_they_were_noted_and_nowhere_else():
    request = {"name": FORGED, "list": [f"{FORGED}:{{{{ secrets.OTHER }}}}"], "n": 1}
    uses = (SecretUse("KEY", ("list", 0), 0), SecretUse("OTHER", ("list", 0), len(FORGED) + 1))
    assert SECRETS.filled(request, uses) == {"name": FORGED, "list": [f"{VALUE}:other"], "n": 1}
    assert request["list"] == [f"{FORGED}:{{{{ secrets.OTHER }}}}"]  # what the journal holds is not touched


def test_unknown_secret_is_told_by_name_with_its_mend():
    with pytest.raises(UnknownSecret, match="HEADRACE_SECRET_GONE"):
        SECRETS.filled({"a": "{{ secrets.GONE }}"}, [SecretUse("GONE", ("a",), 0)])


def test_place_that_holds_something_else_is_not_overwritten():
    with pytest.raises(UnknownSecret, match="not where it was noted"):
        SECRETS.filled({"a": "x"}, [SecretUse("KEY", ("a",), 0)])


@pytest.mark.parametrize("form", [VALUE, json.dumps(VALUE)[1:-1], quote(VALUE, safe=""), quote(VALUE)])
def test_answer_that_tells_a_secret_back_is_kept_with_the_reference(form):
    told = ActionResult.failed("x", f"refused {form}", output={"deep": [{form: f"<{form}>"}], "n": 5})
    hidden = SECRETS.hidden(told, [SecretUse("KEY", ("a",), 0)])
    assert hidden.message == f"refused {FORGED}"
    assert hidden.output == {"deep": [{FORGED: f"<{FORGED}>"}], "n": 5}


def test_secret_that_the_request_did_not_use_is_none_of_its_business():
    result = ActionResult.succeeded({"a": "other"})
    assert SECRETS.hidden(result, [SecretUse("KEY", ("a",), 0)]).output == {"a": "other"}


def test_no_value_is_shown_by_repr():
    assert repr(SECRETS) == "Secrets(KEY, OTHER)"
