"""Contacts and addresses as people write and paste them: accepted, stored as written, compared in normal forms."""

from typing import Any

import pytest

from resolvers.contact import e164, is_https_address, is_phone, normal_email, normal_page
from tests.api.test_input import complaint
from tests.conftest import World

PHONES = [
    ("030 / 123456", None),
    ("(030) 1234567", None),
    ("030-123 456-78", None),
    ("555.123.4567x12", None),
    ("1-800-555-0199 x12", None),
    ("\u06f0\u06f2\u06f1-\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8", None),
    ("010 61 2 9999 9999", None),
    ("+34 600 000 00", None),
    ("+49 30 123456/7", None),
    ("+49 30 123456 / 58", None),
    ("0049 30 123456 / 7", None),
    ("(+44) 20 7946 0958", "+442079460958"),
    ("+44 (0)20 7946 0958", "+442079460958"),
    ("+44\u00a020 7946\u20110958", "+442079460958"),
    ("+44 20\u200b 7946 0958", "+442079460958"),
    ("Tel.: +44 20 7946 0958", "+442079460958"),
    ("tel:+442079460958", "+442079460958"),
    ("+1 555-123-4567 ext. 12", "+15551234567"),
    ("+1 (555) 010-0199", "+15550100199"),
    ("+1 555 123 4567;ext=12", "+15551234567"),
    ("+44 20 7946 0958, x 3", "+442079460958"),
    ("0049.30.1234567", "+49301234567"),
    ("+49 30 / 1234567 – Durchwahl 8", "+49301234567"),
    ("+49/30/1234567", "+49301234567"),
    ("＋３４ ６００ ０００ ０００", "+34600000000"),
    ("+\u0664\u0664 \u0662\u0660 \u0667\u0669\u0664\u0666 \u0660\u0669\u0665\u0668", "+442079460958"),
    ("+\u096f\u0967 \u096f\u096e\u096d\u096c\u096b \u096a\u0969\u0968\u0967\u0966", "+919876543210"),
    ("+34 600 000 000", "+34600000000"),
]
NO_PHONES = [
    "call me",
    "1",
    "()",
    "+",
    "++34600000000",
    "12345 or 6789",
    "1234",
    "030 123456 or mail",
    "1" * 18,
    "ana@x.de",
]


@pytest.mark.parametrize(("phone", "dialled"), PHONES)
def test_a_phone_number_is_known_by_its_normal_form_where_it_can_be_told(phone: str, dialled: str | None) -> None:
    assert is_phone(phone)
    assert e164(phone) == dialled


@pytest.mark.parametrize("text", NO_PHONES)
def test_what_is_no_phone_number(text: str) -> None:
    assert not is_phone(text)


EMAILS = [
    ("ana@x.example", "ana@x.example"),
    ("Ana.Ruiz+lamps@Example.COM", "Ana.Ruiz+lamps@example.com"),
    ("अजय@डाटा.भारत", "अजय@डाटा.भारत"),
    ("ana@bücher.example", "ana@bücher.example"),
    ("ana@xn--bcher-kva.example", "ana@bücher.example"),
    ("ana@bu\u0308cher.example", "ana@bücher.example"),
    ("чебурашка@ящик-с-апельсинами.рф", "чебурашка@ящик-с-апельсинами.рф"),
    ("o'neill@x.example", "o'neill@x.example"),
    ("ana..r.@docomo.ne.jp", "ana..r.@docomo.ne.jp"),
    ("ana@shop.test", "ana@shop.test"),
    ("ana", None),
    ("@x.example", None),
    ("ana@", None),
    ("ana@x", None),
    ("ana@@x.example", None),
    ("ana@x..example", None),
    ("ana@-x.example", None),
    ("ana@127.0.0.1", None),
    ("ana@shop.local", None),
    ("ana ruiz@x.example", None),
    ("ana\u200b@x.example", None),
    ("ana@x.example, ben@x.example", None),
]


@pytest.mark.parametrize(("email", "form"), EMAILS)
def test_the_normal_form_of_an_email_address(email: str, form: str | None) -> None:
    assert normal_email(email) == form


PAGES = [
    ("shop.example/p/1", "shop.example/p/1"),
    ("shop.example", "shop.example"),
    ("www.Shop.example/P/1?x=y#z", "www.shop.example/P/1?x=y#z"),
    ("https://shop.example/p/1", "shop.example/p/1"),
    ("HTTP://SHOP.example:8080/p", "shop.example:8080/p"),
    ("//shop.example/p/1", "shop.example/p/1"),
    ("डाटा.भारत/दीपक", "डाटा.भारत/दीपक"),
    ("магазин.рф", "магазин.рф"),
    ("shop.example?p=1", "shop.example?p=1"),
    ("javascript:alert(1)", None),
    ("javascript:alert(1).x", None),
    ("ftp://x.example/1", None),
    ("data:text/html,x.y", None),
    ("file:///etc/passwd.x", None),
    ("mailto:ana@x.example", None),
    ("ana@x.example", None),
    ("localhost/p/1", None),
    ("shop", None),
    ("shop.example/p 1", None),
    ("...", None),
]


@pytest.mark.parametrize(("page", "form"), PAGES)
def test_the_normal_form_of_a_pages_address(page: str, form: str | None) -> None:
    assert normal_page(page) == form


HTTPS = [
    "https://example.com",
    "https://example.com/",
    "https://img.example.com/lamps/1.jpg?size=300&v=2#top",
    "HTTPS://Example.COM/Lamp.JPG",
    "https://example.com:8443/lamp.jpg",
    "https://example.com:65535",
    "https://example.com.?v=1",
    "https://example.com#lamp",
    "https://cdn/lamp.jpg",
    "https://192.0.2.1/lamp.jpg",
    "https://bücher.example/lampe%20grün.jpg",
    "https://s.example.com/@sc04/kf/H1.jpg_300x300.jpg",
    "https://example.com/a:b//c",
    "https://example.com/lamp.jpg?mail=ana@example.com",
]
NOT_HTTPS = [
    "https",
    "https:",
    "https://",
    "https:///lamp.jpg",
    "https://?lamp",
    "https://#lamp",
    "https://.",
    "https://.example.com/lamp.jpg",
    "https://a..example/lamp.jpg",
    "https://:443/lamp.jpg",
    "https://example.com:/lamp.jpg",
    "https://example.com:65536/lamp.jpg",
    "https://example.com:\u0664/lamp.jpg",
    "https:example.com/lamp.jpg",
    "https:/example.com/lamp.jpg",
    "https:\\\\example.com\\lamp.jpg",
    "https://example.com\\@evil.example/lamp.jpg",
    "http\u017f://example.com/lamp.jpg",
    "http://example.com/lamp.jpg",
    "ftp://example.com/lamp.jpg",
    "javascript:alert(1)",
    "data:image/png;base64,AAAA",
    "//example.com/lamp.jpg",
    "/lamp.jpg",
    "lamp.jpg",
    "example.com/lamp.jpg",
    "https://ana@example.com/lamp.jpg",
    "https://ana:secret@example.com/lamp.jpg",
    "https://@example.com/lamp.jpg",
    "https://example.com/a lamp.jpg",
    "https://exam ple.com/lamp.jpg",
    "https://example.com/a\u00a0lamp.jpg",
    "https://example.com/a\u3000lamp.jpg",
    "https://example.com/a\nlamp.jpg",
    "https://example.com/a\tlamp.jpg",
    "https://example.com/lamp.jpg\n",
    "https://example.com/a\0lamp.jpg",
    "https://example.com/a\x7flamp.jpg",
    "https://exa\x01mple.com/lamp.jpg",
    "https://example.com/a\u202elamp.jpg",
    "see https://example.com/lamp.jpg",
    "<https://example.com/lamp.jpg>",
]


@pytest.mark.parametrize("text", [*HTTPS, *NOT_HTTPS])
def test_an_absolute_https_address_names_its_host_and_nobody(text: str) -> None:
    assert is_https_address(text) == (text in HTTPS)


def test_contacts_are_shown_as_they_were_written(world: World) -> None:
    shown = "complaint { contact { email phone phoneE164 } respondent { email memberId url } }"

    def filed(contact: Any, respondent: Any) -> Any:
        return world.buyer.succeed("fileComplaint", complaint(contact=contact, respondent=respondent), shown)[
            "complaint"
        ]

    first = filed({"phone": "\u202a(+44) 20 7946\u00a00958\u202c"}, {"url": " shop.example/p/1\n"})
    assert first["contact"] == {"email": None, "phone": "(+44) 20 7946\u00a00958", "phoneE164": "+442079460958"}
    assert first["respondent"]["url"] == "shop.example/p/1"
    second = filed({"email": "अजय@डाटा.भारत\u200b", "phone": "030 / 123456"}, {"email": "\ufeffShop@Example.COM "})
    assert second["contact"] == {"email": "अजय@डाटा.भारत", "phone": "030 / 123456", "phoneE164": None}
    assert second["respondent"]["email"] == "Shop@Example.COM"
    third = filed({"email": "ana@x.example"}, {"memberId": "\u200bmember-7 "})
    assert third["contact"]["phoneE164"] is None
    assert third["respondent"]["memberId"] == "member-7"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"contact": {"phone": "030 or so"}}, "contact.phone"),
        ({"contact": {"email": "ana@shop"}}, "contact.email"),
        ({"respondent": {"email": "ana@shop"}}, "respondent.email"),
        ({"respondent": {"url": "shop"}}, "respondent.url"),
        ({"respondent": {"memberId": "a\nb"}}, "respondent.memberId"),
    ],
)
def test_what_reaches_nobody_is_named_with_its_field(world: World, changes: dict[str, Any], problem: str) -> None:
    assert world.buyer.problems("fileComplaint", complaint(**changes)) == {(problem, "WRONG_FORM")}


@pytest.mark.parametrize(
    ("changes", "like"),
    [
        ({"contact": {"phone": "call me"}}, "write one with its country code, like +49 30 123456."),
        ({"contact": {"email": "ana at shop.example"}}, "write one like name@example.com."),
        ({"respondent": {"url": "shop"}}, "write one like https://example.com/page."),
    ],
)
def test_who_mistypes_a_contact_reads_what_to_write(world: World, changes: dict[str, Any], like: str) -> None:
    [error] = world.buyer.do("fileComplaint", complaint(**changes))["userErrors"]
    assert error["message"].endswith(like)
