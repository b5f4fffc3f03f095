"""
Telephone numbers as people write them, made international. Pure.

The numbering plans are those of the library C{phonenumbers}; only this module
knows it.
"""

from __future__ import annotations

import difflib
from typing import Any

from attrs import Attribute, frozen
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    example_number_for_type,
    format_number,
    is_possible_number_with_reason,
    is_valid_number,
    parse,
)

from goiptwist.config.values import setting
from goiptwist.errors import Unacceptable
from goiptwist.telephony.validation import accepted_number

#: Digits of a short code, such as of a parking service. The longest that
#: networks give out have six; national numbers are rarely that short.
SHORT_AT_MOST = 6

_WRONG_LENGTH = {
    ValidationResult.TOO_SHORT: "it has too few digits",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
    ValidationResult.TOO_LONG: "it has too many digits",
    ValidationResult.INVALID_LENGTH: "it has a digit too many or too few",
    ValidationResult.INVALID_COUNTRY_CODE: "there is no such country code",
}


def _check_country(_: Any, __: Attribute[str], country: str) -> None:
    if not country or country.upper() in SUPPORTED_REGIONS:
        return
    near = difflib.get_close_matches(country.upper(), sorted(SUPPORTED_REGIONS), 1, 0.5)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f'country: {country!r} is no ISO 3166 code of two letters, such as "HU"{guess}'
    )


@frozen(kw_only=True)
class NumbersSettings:
    """C{[numbers]}"""

    country: str = setting(
        "The country whose national numbers are meant, as its ISO 3166 code of two letters, "
        'such as "HU": 06301234567 is then sent to +36301234567. Empty: numbers go out as they '
        "are written.",
        default="",
        validator=_check_country,
    )


def international(typed: str, country: str = "") -> str:
    """
    A recipient as the device wants it, with C{+} and the country code where it
    is no short code. What it returns, it returns again unchanged.

    @param country: as in L{NumbersSettings}; empty leaves the number as it is.
    @raise Unacceptable: nobody could be reached by it, and what to write instead.
    """
    number = accepted_number(typed)
    if not country:
        return number
    country = country.upper()
    if number.startswith("+"):
        return _dialled(number, country, typed)
    read = _read(number, country)
    if read is not None and is_valid_number(read):
        return _dialled(format_number(read, PhoneNumberFormat.E164), country, typed)
    if number.startswith("00"):  # understood everywhere, whatever the country dials
        return _dialled("+" + number[2:], country, typed)
    if len(number) <= SHORT_AT_MOST:
        return number
    if read is not None and is_possible_number_with_reason(read) == ValidationResult.IS_POSSIBLE:
        return _dialled(format_number(read, PhoneNumberFormat.E164), country, typed)
    raise _no_number(typed, _fault(read), country)


def recognised(number: str, country: str = "") -> str:
    """As L{international}, for comparing: what is no number stays as it is."""
    try:
        return international(number, country)
    except Unacceptable:
        return number


def _dialled(number: str, country: str, typed: str) -> str:
    """
    A number that begins with C{+}. Numbering plans change faster than
    libraries, so only its length is judged.
    """
    read = _read(number, country)
    if read is None or is_possible_number_with_reason(read) != ValidationResult.IS_POSSIBLE:
        raise _no_number(typed, _fault(read), country)
    whole = format_number(read, PhoneNumberFormat.E164)
    # A trunk prefix behind the country code is taken away, one zero at a time.
    return whole if whole == number else _dialled(whole, country, typed)


def _read(number: str, country: str) -> PhoneNumber | None:
    try:
        return parse(number, country)
    except NumberParseException:
        return None


def _fault(read: PhoneNumber | None) -> str:
    if read is None:
        return "there is no such country code, or hardly a digit behind it"
    fault = _WRONG_LENGTH[is_possible_number_with_reason(read)]
    regions = COUNTRY_CODE_TO_REGION_CODE.get(read.country_code or 0, ("",))
    return f"{fault} for {regions[0]} (+{read.country_code})"


def _no_number(typed: str, fault: str, country: str) -> Unacceptable:
    example = example_number_for_type(country, PhoneNumberType.MOBILE)
    cure = ""
    if example is not None:
        whole = format_number(example, PhoneNumberFormat.E164)
        national = format_number(example, PhoneNumberFormat.NATIONAL)
        cure = f"; write {whole} or {national}, and + before the code of any other country"
    return Unacceptable("to", f"{typed[:40]!r} is no telephone number: {fault}{cure}")
