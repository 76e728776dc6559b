"""Phone numbers: one form for sending and comparing, and the ways in which a contact's may be written."""

import pytest

from domain.phones import NotAPhoneNumber, comparable, e164, spellings


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+15550001111", None, "+15550001111"),
        ("+1 (555) 000-1111", None, "+15550001111"),
        ("+49 (0)151 12345678", None, "+4915112345678"),
        ("0151/12345678", "DE", "+4915112345678"),
        ("0049 151 12345678", "DE", "+4915112345678"),
        ("(555) 000-1111", "US", "+15550001111"),
        ("+15550001111", "DE", "+15550001111"),
        ("06 12345678", "IT", "+390612345678"),  # Italy's leading zero is part of the number
    ],
)
def test_every_way_of_writing_a_number_is_one_number(text, region, number):
    assert e164(text, region) == number
    assert comparable(text, region) == number


@pytest.mark.parametrize(
    ("text", "problem"),
    [("hello", "does not read"), ("555", "country code"), ("+15", "does not read"), ("+1" + "5" * 14, "too long"), ("+999123", "country code"),
     ("0151 12345678", "HEADRACE_PHONE_REGION"), ("", "does not read")],
)  # fmt: skip
def test_what_can_not_be_a_number_says_why(text, problem):
    with pytest.raises(NotAPhoneNumber, match=problem):
        e164(text)


def test_a_number_within_its_area_is_none_that_can_be_sent_to():
    with pytest.raises(NotAPhoneNumber, match="area code"):
        e164("5550100", "US")
    with pytest.raises(NotAPhoneNumber, match="too short"):
        e164("555", "US")


def test_a_short_number_with_its_country_code_is_the_providers_to_judge():
    assert e164("+15550100") == "+15550100"  # as test numbers are written
    assert e164("+1 555") == "+1555"


def test_what_is_no_number_is_still_compared_by_its_digits():
    assert comparable("+1 (55)5") == "+1555"


def test_a_number_of_the_region_may_be_written_without_its_country_code():
    found = spellings("+4915112345678", "DE")
    assert found[0] == "+4915112345678"
    assert {"015112345678", "15112345678", "004915112345678"} <= set(found)
    assert {"5550001111", "15550001111"} <= set(spellings("+15550001111", "US"))


def test_a_number_of_another_country_is_written_with_it():
    assert spellings("+15550001111", "DE") == spellings("+15550001111") == ["+15550001111"]
    assert spellings("HEADRACE") == ["HEADRACE"]
