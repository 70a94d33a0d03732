"""Ways to reach people, as people write them, and the normal forms by which they are compared and dialled.

Example: `"(+44) 20 7946 0958"` is a phone number, with the E.164 form `"+442079460958"`. `"030 / 123456"` is one as
well, but nobody can tell of which country.

The libraries are imported when they are first needed: most requests need neither.
"""

import re
import unicodedata

from models.text import without_invisible

MIN_DIGITS, MAX_DIGITS = 5, 17  # of a phone number: those of E.164, and a prefix for dialling abroad

_EXTENSION = re.compile(
    r"[ ,;-]*(?:;ext=|\b(?:ext(?:ension|n)?|x|int(?:erno)?|anexo|ramal|poste|durchwahl|dw|доб)\b|x|#)"
    r"[ .:]*\d{1,7}\s*\Z",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\(?\+?\(?\d(?:[ ()\[\]./~\-]{0,4}\d)*[)\]]?")
_ENDINGS = re.compile(r"/ ?\d{1,3}\Z")  # "123456 / 7" is two numbers, 123456 and 123457
_CALLED = re.compile(r"(?:tel|phone|mobile)[.:]*\s*", re.IGNORECASE)
_DASHES = re.compile("[\u2010-\u2015\u2212\u30fc]")
_LABEL = r"[^\s/?#@:.\\<>\"'(){}\[\]|^`,;%&$!*+=]{1,63}"
_PAGE = re.compile(rf"(?:https?://|//)?({_LABEL}(?:\.{_LABEL})+)\.?(:\d{{1,5}})?([/?#]\S*)?", re.IGNORECASE)


def normal_email(text: str) -> str | None:
    """The address with its domain in small letters and in its own script; None where the text is no address. Whether
    the domain receives mail is not looked up."""
    from email_validator import EmailNotValidError, validate_email

    local, at, domain = text.rpartition("@")
    # Some Japanese providers gave out addresses with dots where the standard has none.
    plain = f"{re.sub(r'[.]{2,}', '.', local).rstrip('.')}{at}{domain}"
    try:
        found = validate_email(plain, check_deliverability=False, test_environment=True)  # takes the domain .test
    except EmailNotValidError:
        return None
    return f"{local}@{found.domain}" if plain != text else found.normalized


def normal_page(text: str) -> str | None:
    """The address of a web page without its scheme, its host in small letters; None where the text is none."""
    match = _PAGE.fullmatch(text)
    if match is not None:
        host, port, rest = match.groups(default="")
        return f"{host.lower()}{port}{rest}"
    parts = re.fullmatch(
        r"https?://([^\s/]+\.[^\s]+)", text, re.IGNORECASE
    )  # with a user's name, or whatever browsers take
    return parts[1] if parts else None


def is_phone(text: str) -> bool:
    """Whether it can be a phone number, with an extension or without, in digits of any script."""
    number = _number(text)
    if not _PHONE.fullmatch(number):
        return False
    return MIN_DIGITS <= sum(map(str.isdigit, number)) <= MAX_DIGITS


def e164(text: str) -> str | None:
    """The number as it is dialled from anywhere, like +442079460958; None where its country cannot be told, or where
    the text has several numbers."""
    import phonenumbers

    number = _number(text)
    if _ENDINGS.search(number):
        return None
    if number.startswith("00"):
        number = f"+{number[2:].lstrip(' .-/')}"
        sure = phonenumbers.is_valid_number  # in some countries a number abroad begins with something else
    elif "+" in number:
        sure = phonenumbers.is_possible_number
    else:
        return None
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if sure(parsed) else None


def _number(text: str) -> str:
    """Without its extension, and with the digits, spaces and dashes that all know."""
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", without_invisible(text)))
    digits = (str(unicodedata.digit(sign)) if sign.isdigit() else sign for sign in text)
    plain = " ".join("".join(digits).split())
    start = match.end() if (match := _CALLED.match(plain)) else 0
    return _EXTENSION.sub("", plain[start:])
