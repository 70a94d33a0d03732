"""E-mail addresses, phone numbers and web pages as people write them, and the normal forms to compare or dial them.

For example, `"(+44) 20 7946 0958"` is a phone number whose E.164 form is `"+442079460958"`. `"030 / 123456"` is a phone
number too, but its country is unknown, so it has no E.164 form.

The libraries are imported on first use, because most requests need neither.
"""

import re
import unicodedata

from models.text import is_one_line, without_invisible

MAX_PORT = 65_535
MIN_DIGITS, MAX_DIGITS = 5, 17  # of a phone number: the 15 of E.164, and a prefix for dialling abroad

_EXTENSION = re.compile(
    r"[ ,;-]*(?:;ext=|\b(?:ext(?:ension|n)?|x|int(?:erno)?|anexo|ramal|poste|durchwahl|dw|доб)\b|x|#)"
    r"[ .:]*\d{1,7}\s*\Z",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\(?\+?\(?\d(?:[ ()\[\]./~\-]{0,4}\d)*[)\]]?")
_ENDINGS = re.compile(r"/ ?\d{1,3}\Z")  # "123456 / 7" means two numbers, 123456 and 123457
_CALLED = re.compile(r"(?:tel|phone|mobile)[.:]*\s*", re.IGNORECASE)
_DASHES = re.compile("[\u2010-\u2015\u2212\u30fc]")
_LABEL = r"[^\s/?#@:.\\<>\"'(){}\[\]|^`,;%&$!*+=]{1,63}"
_PAGE = re.compile(rf"(?:https?://|//)?({_LABEL}(?:\.{_LABEL})+)\.?(:\d{{1,5}})?([/?#]\S*)?", re.IGNORECASE)
_HTTPS = re.compile(rf"(?ai:https)://{_LABEL}(?:\.{_LABEL})*\.?(?::([0-9]{{1,5}}))?(?:[/?#]\S*)?")


def normal_email(text: str) -> str | None:
    """Returns the address with its domain in lower case and in its own script; None if it is not an address. Does not
    look up whether the domain receives mail."""
    from email_validator import EmailNotValidError, validate_email

    local, at, domain = text.rpartition("@")
    # Some Japanese providers assigned addresses with dots where the standard allows none.
    plain = f"{re.sub(r'[.]{2,}', '.', local).rstrip('.')}{at}{domain}"
    try:
        address = validate_email(plain, check_deliverability=False, test_environment=True)  # allows the domain .test
    except EmailNotValidError:
        return None
    return f"{local}@{address.domain}" if plain != text else address.normalized


def normal_page(text: str) -> str | None:
    """Returns the address of a web page without its scheme, its host in lower case; None if it is not one."""
    match = _PAGE.fullmatch(text)
    if match is not None:
        host, port, path = match.groups(default="")
        return f"{host.lower()}{port}{path}"
    # Anything else with a scheme that a browser may accept, such as a user name in front of the host.
    match = re.fullmatch(r"https?://([^\s/]+\.[^\s]+)", text, re.IGNORECASE)
    return match[1] if match else None


def is_https_address(text: str) -> bool:
    """Whether the text is an absolute https address without a user name and a password, such as that of a picture."""
    match = _HTTPS.fullmatch(text)
    return match is not None and int(match[1] or 0) <= MAX_PORT and is_one_line(text)


def is_phone(text: str) -> bool:
    """Whether the text can be a phone number, with or without an extension, in digits of any script."""
    number = _number(text)
    if not _PHONE.fullmatch(number):
        return False
    return MIN_DIGITS <= sum(map(str.isdigit, number)) <= MAX_DIGITS


def e164(text: str) -> str | None:
    """Returns the number as it is dialled from anywhere, like +442079460958; None if its country is unknown, or if the
    text has several numbers."""
    import phonenumbers

    number = _number(text)
    if _ENDINGS.search(number):
        return None
    if number.startswith("00"):
        number = f"+{number[2:].lstrip(' .-/')}"
        accepts = phonenumbers.is_valid_number  # strict, because not every country dials 00 for abroad
    elif "+" in number:
        accepts = phonenumbers.is_possible_number
    else:
        return None
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if accepts(parsed) else None


def _number(text: str) -> str:
    """Returns the number without its extension, in ASCII digits, spaces and hyphens."""
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", without_invisible(text)))
    digits = (str(unicodedata.digit(character)) if character.isdigit() else character for character in text)
    plain = " ".join("".join(digits).split())
    start = match.end() if (match := _CALLED.match(plain)) else 0
    return _EXTENSION.sub("", plain[start:])
