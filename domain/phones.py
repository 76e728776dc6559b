"""Phone numbers: any way of writing one becomes E.164 (`+4915112345678`), and E.164 the ways in which it is written.

What counts is whether a number is possible (its length fits its country), not whether it was given out: numbering plans
change faster than libraries do, and test numbers must go through.
"""

import re
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult

from domain.errors import HeadraceError

_PLAIN: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_NO_AREA: Final = "it lacks its area code"
_TOO_SHORT: Final = "it is too short"
_SHORT: Final = frozenset({_NO_AREA, _TOO_SHORT})
"""Who writes the country code with a short number means it so (services and test numbers are): the provider knows."""
_PROBLEMS: Final = {
    ValidationResult.TOO_SHORT: _TOO_SHORT,
    ValidationResult.TOO_LONG: "it is too long",
    ValidationResult.INVALID_LENGTH: "no number of its country has this length",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: _NO_AREA,
    ValidationResult.INVALID_COUNTRY_CODE: "there is no such country code",
}
_NATIONAL: Final = "it has no country code; write it as +<country><number>, or set HEADRACE_PHONE_REGION"

REGIONS: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""Countries (ISO 3166, two letters) whose national numbers can be read."""


class NotAPhoneNumber(HeadraceError):
    """The text can't be a phone number."""


@lru_cache(maxsize=4_096)
def e164(text: str, region: str | None = None) -> str:
    """The number in E.164; one without a country code is of `region`.

    Raises:
        NotAPhoneNumber: it can't be one, and why.
    """
    number = _read(text, region)
    problem = _PROBLEMS.get(phonenumbers.is_possible_number_with_reason(number))
    if problem is not None and not (problem in _SHORT and text.lstrip().startswith("+")):
        raise NotAPhoneNumber(problem)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _read(text: str, region: str | None) -> PhoneNumber:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type != phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            raise NotAPhoneNumber("it does not read as a number") from error
        has_code = text.lstrip().startswith("+")
        raise NotAPhoneNumber("there is no such country code" if has_code else _NATIONAL) from error


def comparable(text: str, region: str | None = None) -> str:
    """The form in which two numbers are compared: E.164 where it can be told, else its digits and signs."""
    if _PLAIN.fullmatch(text):
        return text
    try:
        return e164(text, region)
    except NotAPhoneNumber:
        return text.translate(_PUNCTUATION)


_PUNCTUATION: Final = str.maketrans("", "", " -().\t")


def spellings(text: str, region: str | None = None) -> list[str]:
    """The ways in which the number may be written, without punctuation: E.164 first, then those of its own country."""
    known = text.translate(_PUNCTUATION)
    try:
        number = _read(text, region)
    except NotAPhoneNumber:
        return [known]
    found = [phonenumbers.format_number(number, PhoneNumberFormat.E164), known]
    if region is not None and number.country_code == phonenumbers.country_code_for_region(region):
        national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        abroad = phonenumbers.format_out_of_country_calling_number(number, region)
        code = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
        found += [_NOT_DIGITS.sub("", one) for one in (national, abroad)]
        found += [phonenumbers.national_significant_number(number), code, f"00{code}"]
    return list(dict.fromkeys(found))
