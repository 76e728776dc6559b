"""Secrets in texts: the reference stays where it stands, and nothing but a reference of the definition counts as one."""

import pytest

from domain.contact import Contact
from domain.fields import Scope
from domain.secret_use import SecretUse
from domain.secrets import secret_uses
from domain.templates import TemplateError, compile_template, map_templates, render_value

FORGED = "{{ secrets.KEY }}"


def scope(**known):
    return Scope(contact=Contact(id="c", **known), now_ms=0)


def rendered(value, **known):
    compiled, at = map_templates(value), scope(**known)
    return render_value(compiled, at), tuple(secret_uses(compiled, at))


def test_reference_stays_in_the_text_and_its_place_is_known():
    text, uses = rendered("Hi {{first_name}}: {{secrets.KEY}}!", first_name="Ada")
    assert text == "Hi Ada: {{ secrets.KEY }}!"
    assert uses == (SecretUse("KEY", (), 8),)


def test_every_use_is_found_wherever_it_stands():
    _, uses = rendered({"a": ["{{secrets.ONE}}{{ secrets.TWO }}", 5], "b": {"c": "x {{secrets.ONE}}"}, "d": "none"})
    assert uses == (
        SecretUse("ONE", ("a", 0), 0),
        SecretUse("TWO", ("a", 0), len("{{ secrets.ONE }}")),
        SecretUse("ONE", ("b", "c"), 2),
    )


def test_contact_whose_name_reads_like_a_reference_makes_none():
    text, uses = rendered(
        {"name": "{{first_name}}", "key": "{{last_name}} {{secrets.KEY}}"}, first_name=FORGED, last_name=FORGED
    )
    assert text == {"name": FORGED, "key": f"{FORGED} {FORGED}"}
    assert uses == (SecretUse("KEY", ("key",), len(FORGED) + 1),)


@pytest.mark.parametrize(
    "source",
    [
        "{{ secrets.KEY | upcase }}",
        "{{ secrets.KEY }}{{ first_name | upcase }}",
        "{% if secrets.KEY == 'a' %}x{% endif %}",
        "{% capture x %}{{ secrets.KEY }}{% endcapture %}{{ x }}",
        "{% assign x = secrets.KEY %}",
        "{{ secrets }}",
        "{{ secrets.KEY.size }}",
        "{{ secrets[first_name] }}",
        "{{ secrets['no name'] }}",
        "{{ first_name[secrets.KEY] }}",
    ],
)
def test_secret_can_not_be_read_changed_or_compared(source):
    with pytest.raises(TemplateError, match="a secret stands as"):
        compile_template(source)


def test_custom_field_of_that_name_is_reached_by_its_full_name():
    assert rendered("{{custom_fields.secrets}}", custom_fields={"secrets": "x"}) == ("x", ())
