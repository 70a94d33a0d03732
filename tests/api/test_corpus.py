"""Bad input of every kind gets a clear answer within a second: never a 5xx, no internals, and nothing breaks."""

import base64
import gzip
import json
import zlib
from collections.abc import Generator, Iterator
from typing import Any

import httpx2
import pytest
from graphql import get_named_type, is_enum_type, is_list_type
from graphql.type import get_nullable_type, is_input_object_type

from tests.conftest import Person, Server, World
from tests.support.actions import INPUTS
from tests.support.inputs import (
    MUTATIONS,
    SECONDS,
    TYPES,
    body,
    document,
    input_type,
    literal,
    places,
    put,
    right_inputs,
    said,
    wrong,
)
from tests.support.paths import paged

DIGITS = "0" * 32


@pytest.fixture(scope="module")
def impatient(server: Server) -> Generator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=SECONDS) as http:
        yield http


@pytest.fixture(scope="module")
def here(server: Server) -> Generator[World]:
    with httpx2.Client(base_url=server.url, timeout=30) as http:
        yield World(http)


@pytest.fixture(scope="module")
def buyer(impatient: httpx2.Client, here: World) -> Person:
    return hurried(impatient, here.buyer)


def hurried(http: httpx2.Client, person: Person) -> Person:
    """Returns the same person with a time limit of one second for each answer."""
    other = person.at(person.now)
    other.http = http
    return other


def raw(buyer: Person, content: bytes, method: str = "POST", path: str = "/graphql", **headers: str) -> list[str]:
    said = {"Authorization": f"Bearer {buyer.token}", "Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    problems = wrong(buyer.http.request(method, path, content=content, headers=said))
    assert set(buyer.ask("{ serverTime }")) == {"serverTime"}
    return problems


# ---------------------------------------------------------------- bodies

GOOD = b'{"query": "{ serverTime }"}'
BODIES: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("a blank", b" "),
    ("a byte order mark", b"\xef\xbb\xbf" + GOOD),
    ("a byte order mark alone", b"\xef\xbb\xbf"),
    ("UTF-16", GOOD.decode().encode("utf-16")),
    ("UTF-32", GOOD.decode().encode("utf-32")),
    ("bytes that are no UTF-8", b'{"query": "{ serverTime }", "x": "\xff\xfe"}'),
    ("an overlong sequence", b'{"query": "\xc0\xaf"}'),
    ("a surrogate in UTF-8", b'{"query": "\xed\xa0\x80"}'),
    ("a lone surrogate, escaped", b'{"query": "\\ud800"}'),
    ("a lone surrogate in a name", b'{"\\ud800": 1, "query": "{ serverTime }"}'),
    ("a lone surrogate in a variable", b'{"query": "{ serverTime }", "variables": {"x": "\\udfff"}}'),
    ("a pair the wrong way round", b'{"query": "\\udc00\\ud800"}'),
    ("NUL", b"\0"),
    ("NUL after it", GOOD + b"\0"),
    ("NUL in the query", b'{"query": "{ serverTime \\u0000 }"}'),
    ("a raw control character", b'{"query": "{ serverTime \x01 }"}'),
    ("half of it", GOOD[:13]),
    ("all but the last", GOOD[:-1]),
    ("more than one", GOOD + GOOD),
    ("a comma too many", b'{"query": "{ serverTime }",}'),
    ("single quotes", b"{'query': '{ serverTime }'}"),
    ("a comment", b'{"query": "{ serverTime }"} // please'),
    ("null", b"null"),
    ("true", b"true"),
    ("a number", b"1"),
    ("a string", b'"{ serverTime }"'),
    ("an empty list", b"[]"),
    ("a list of it", b"[" + GOOD + b"]"),
    ("an empty object", b"{}"),
    ("NaN", b'{"query": "{ serverTime }", "variables": {"x": NaN}}'),
    ("Infinity", b'{"query": "{ serverTime }", "variables": {"x": -Infinity}}'),
    ("1e400", b'{"query": "{ serverTime }", "variables": {"x": 1e400}}'),
    ("a huge integer", b'{"query": "{ serverTime }", "variables": {"x": ' + b"9" * 5_000 + b"}}"),
    ("a huge fraction", b'{"query": "{ serverTime }", "variables": {"x": 0.' + b"9" * 5_000 + b"}}"),
    (
        "10,000 lists in each other",
        b'{"query": "{ serverTime }", "variables": {"x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}}",
    ),
    ("10,000 objects in each other", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    ("900 lists in each other", b'{"query": "{ serverTime }", "variables": {"x": ' + b"[" * 900 + b"]" * 900 + b"}}"),
    ("10,000 brackets that stay open", b"[" * 10_000),
    ("100,000 names", b'{"query": "{ serverTime }", ' + b", ".join(b'"a%d": 1' % n for n in range(100_000)) + b"}"),
    ("the query twice", b'{"query": "{ nothing }", "query": "{ serverTime }"}'),
    ("variables twice", b'{"query": "{ serverTime }", "variables": [], "variables": {}}'),
    ("no query", b'{"variables": {}}'),
    ("null for the query", b'{"query": null}'),
    ("a number for the query", b'{"query": 1}'),
    ("a list for the query", b'{"query": ["{ serverTime }"]}'),
    ("an empty query", b'{"query": ""}'),
    ("a list for the variables", b'{"query": "{ serverTime }", "variables": []}'),
    ("a string for the variables", b'{"query": "{ serverTime }", "variables": "{}"}'),
    ("a number for the variables", b'{"query": "{ serverTime }", "variables": 0}'),
    ("false for the variables", b'{"query": "{ serverTime }", "variables": false}'),
    ("variables nobody asked for", b'{"query": "{ serverTime }", "variables": {"": {"\\u0000": []}}}'),
    ("a number for the operation's name", b'{"query": "{ serverTime }", "operationName": 1}'),
    ("an object for the operation's name", b'{"query": "{ serverTime }", "operationName": {}}'),
    ("an operation that is not there", b'{"query": "query A { serverTime }", "operationName": "B"}'),
    ("an empty operation's name", b'{"query": "query A { serverTime }", "operationName": ""}'),
    ("two operations, neither named", b'{"query": "query A { serverTime } query B { serverTime }"}'),
    ("a list for the extensions", b'{"query": "{ serverTime }", "extensions": []}'),
    ("a string for the extensions", b'{"query": "{ serverTime }", "extensions": "x"}'),
    ("a persisted query", b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "' + b"0" * 64 + b'"}}}'),
    ("two byte order marks", b"\xef\xbb\xbf" * 2 + GOOD),
    ("300,000 byte order marks", b"\xef\xbb\xbf" * 300_000),
    ("a number for an id, and no query", b'{"id": 7}'),
    ("an object for an id, and a wrong query", b'{"id": {"id": {}}, "query": 7}'),
    ("null for every id", b'{"id": null, "doc_id": null, "documentId": null}'),
    ("400 digits", b'{"query": "{ serverTime }", "variables": {"x": ' + b"9" * 400 + b"}}"),
    ("a form", b"query=%7B+serverTime+%7D"),
    ("XML", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
]


@pytest.mark.either
@pytest.mark.parametrize("content", [content for _, content in BODIES], ids=[says for says, _ in BODIES])
def test_no_body_causes_an_internal_error(buyer: Person, content: bytes) -> None:
    assert raw(buyer, content) == []


HEADERS: list[tuple[str, bytes, dict[str, str]]] = [
    ("gzip, announced", gzip.compress(GOOD), {"Content_Encoding": "gzip"}),
    ("gzip, not announced", gzip.compress(GOOD), {}),
    ("gzip, announced and absent", GOOD, {"Content_Encoding": "gzip"}),
    ("gzip, cut off", gzip.compress(GOOD)[:-9], {"Content_Encoding": "gzip"}),
    ("a gzip bomb", gzip.compress(bytes(50_000_000)), {"Content_Encoding": "gzip"}),
    ("deflate, announced", zlib.compress(GOOD), {"Content_Encoding": "deflate"}),
    ("deflate, not announced", zlib.compress(GOOD), {}),
    ("Brotli, announced and absent", GOOD, {"Content_Encoding": "br"}),
    ("an encoding that nobody knows", GOOD, {"Content_Encoding": "x-nobody"}),
    ("encodings of encodings", gzip.compress(gzip.compress(GOOD)), {"Content_Encoding": "gzip, gzip"}),
    ("plain text", GOOD, {"Content_Type": "text/plain"}),
    ("no type", GOOD, {"Content_Type": ""}),
    ("half a type", GOOD, {"Content_Type": "application/"}),
    ("slashes for a type", GOOD, {"Content_Type": "///"}),
    ("semicolons for a type", GOOD, {"Content_Type": ";;;"}),
    ("a charset of nothing", GOOD, {"Content_Type": "application/json; charset=;;="}),
    ("1,000 charsets", GOOD, {"Content_Type": "application/json" + ";charset=x" * 1_000}),
    ("no encoding", GOOD, {"Content_Encoding": ""}),
    ("an upgrade that is nothing", GOOD, {"Connection": "Upgrade", "Upgrade": ",,"}),
    ("an upgrade to HTTP/2", GOOD, {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2_Settings": "?"}),
    ("a WebSocket that comes by POST", GOOD, {"Connection": "Upgrade", "Upgrade": "websocket"}),
    ("two types", GOOD, {"Content_Type": "application/json, text/plain"}),
    ("capitals", GOOD, {"Content_Type": "APPLICATION/JSON"}),
    ("another charset", GOOD, {"Content_Type": "application/json; charset=utf-7"}),
    ("a charset that nobody knows", GOOD, {"Content_Type": "application/json; charset=nobody"}),
    ("a quote that stays open", GOOD, {"Content_Type": 'application/json; charset="utf-8'}),
    ("GraphQL", b"{ serverTime }", {"Content_Type": "application/graphql"}),
    ("a form", b"query={serverTime}", {"Content_Type": "application/x-www-form-urlencoded"}),
    ("parts without a boundary", GOOD, {"Content_Type": "multipart/form-data"}),
    ("parts that are none", GOOD, {"Content_Type": "multipart/form-data; boundary=x"}),
    (
        "parts with files",
        b'--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n' + GOOD + b"\r\n--x--\r\n",
        {"Content_Type": "multipart/form-data; boundary=x"},
    ),
    ("a type of 8,000 characters", GOOD, {"Content_Type": "application/json; x=" + "y" * 8_000}),
    ("nothing to be accepted", GOOD, {"Accept": ""}),
    ("HTML to be accepted", GOOD, {"Accept": "text/html"}),
    ("a quality that is no number", GOOD, {"Accept": "application/json;q=x"}),
    ("a quality that is NaN", GOOD, {"Accept": "application/json;q=nan"}),
    ("a quality that is too much", GOOD, {"Accept": "application/json;q=1e999"}),
    ("commas to be accepted", GOOD, {"Accept": ",,;,="}),
    ("a stream of a query", GOOD, {"Accept": "text/event-stream"}),
    ("parts of a query", GOOD, {"Accept": "multipart/mixed;subscriptionSpec=1.0"}),
    ("a stream of nonsense", b"{", {"Accept": "text/event-stream"}),
    ("a clock that is no time", GOOD, {"X_Recourse_Now": "yesterday"}),
    ("a clock before all time", GOOD, {"X_Recourse_Now": "0001-01-01T00:00:00+23:59"}),
    ("a clock after all time", GOOD, {"X_Recourse_Now": "9999-12-31T23:59:59-23:59"}),
    ("a clock in full-width digits", GOOD, {"X_Recourse_Now": "%EF%BC%92026-06-15T12:00:00Z"}),
]


@pytest.mark.either
@pytest.mark.parametrize(("content", "headers"), [case[1:] for case in HEADERS], ids=[case[0] for case in HEADERS])
def test_no_header_causes_an_internal_error(buyer: Person, content: bytes, headers: dict[str, str]) -> None:
    assert raw(buyer, content, **headers) == []


REQUESTS: list[tuple[str, str]] = [
    ("GET", "/graphql"),
    ("GET", "/graphql?query="),
    ("GET", "/graphql?query=%00"),
    ("GET", "/graphql?query=%ED%A0%80"),
    ("GET", "/graphql?query={serverTime}&variables=x"),
    ("GET", "/graphql?query={serverTime}&variables=[]"),
    ("GET", "/graphql?query={serverTime}&variables=" + "[" * 2_000),
    ("GET", "/graphql?query={serverTime}&extensions=x"),
    ("GET", "/graphql?query={serverTime}&query={}"),
    ("GET", "/graphql?query={serverTime}&operationName=x"),
    ("GET", "/graphql?query=mutation{createUpload(input:null){upload{id}}}"),
    ("GET", "/graphql?query=subscription{orderChanged(orderId:1){id}}"),
    ("HEAD", "/graphql"),
    ("PUT", "/graphql"),
    ("PATCH", "/graphql"),
    ("DELETE", "/graphql"),
    ("OPTIONS", "/graphql"),
    ("TRACE", "/graphql"),
    ("POST", "/graphql/"),
    ("POST", "/graphql?query={serverTime}"),
    ("GET", "/"),
    ("GET", "/%00"),
    ("GET", "/../../etc/passwd"),
    ("GET", "/files/"),
    ("GET", "/files/x"),
    ("GET", f"/files/{DIGITS}"),
    ("GET", f"/files/{DIGITS}?expires=x&signature=x"),
    ("GET", f"/files/{DIGITS}?signature=%ED%A0%80&expires=9"),
    ("PUT", f"/files/{DIGITS}?type=image/png&size=x&expires=99999999999&signature="),
    ("GET", "/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
    ("POST", "/files/x"),
    ("POST", "/healthz"),
    ("QUERY", "/graphql"),
    ("GET", "/files/x/y"),
    ("GET", "//graphql"),
    ("GET", "/graphql%2f"),
    ("GET", "/graphql;x=1"),
    ("GET", "/graphql?query={serverTime}&id=7&documentId="),
    ("GET", "/graphql?query={serverTime}&variables=%EF%BB%BF{}"),
    ("GET", "/graphql?query={serverTime}&variables={%22x%22:1e400}"),
]


@pytest.mark.either
@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_no_method_or_address_causes_an_internal_error(buyer: Person, method: str, path: str) -> None:
    assert raw(buyer, GOOD if method == "POST" else b"", method, path) == []


# ---------------------------------------------------------------- documents

TIME = "serverTime"
NODE = f'node(id: "ord_{DIGITS}")'
DOCUMENTS: list[tuple[str, str]] = [
    ("blanks", " \n\t,,, "),
    ("a comment", "# nothing"),
    ("a byte order mark", "\ufeff{ serverTime }"),
    ("a word", "hello"),
    ("an open brace", "{"),
    ("a closing brace", "}"),
    ("no fields", "{ }"),
    ("no fields below", "{ viewer { } }"),
    ("no fields below what has some", "{ viewer }"),
    ("fields below what has none", "{ serverTime { x } }"),
    ("a string that stays open", '{ node(id: "x) { id } }'),
    ("a string over two lines", '{ node(id: "x\ny") { id } }'),
    ("a block string that stays open", '{ node(id: """x) { id } }'),
    ("a block string", '{ node(id: """\n  x\n    y\n""") { id } }'),
    ("a block string of 100,000 lines", '{ node(id: """' + "\n x" * 100_000 + '""") { id } }'),
    ("an escape that is none", '{ node(id: "\\x00") { id } }'),
    ("an escape that stays open", '{ node(id: "\\u{110000}") { id } }'),
    ("an escaped NUL", '{ node(id: "\\u0000") { id } }'),
    ("an escaped lone surrogate", '{ node(id: "\\ud800") { id } }'),
    ("an escaped lone surrogate, in braces", '{ node(id: "\\u{d800}") { id } }'),
    ("a NUL", '{ node(id: "\0") { id } }'),
    ("signs of other alphabets", "{ ｓerverTime }"),
    ("a number that is none", "{ changes(first: 1x) { pageInfo { hasNextPage } } }"),
    ("a number with a leading nought", "{ changes(first: 01) { pageInfo { hasNextPage } } }"),
    ("a number of 5,000 digits", "{ changes(first: " + "9" * 5_000 + ") { pageInfo { hasNextPage } } }"),
    ("a number with a huge exponent", "{ changes(first: 1e999999999) { pageInfo { hasNextPage } } }"),
    ("a field that is not there", "{ nothing }"),
    ("a field's name of 10,000 letters", "{ " + "x" * 10_000 + " }"),
    ("1,000 fields that are not there", "{ " + " ".join(f"x{n}" for n in range(1_000)) + " }"),
    ("the same field 5,000 times", "{ " + f"{TIME} " * 5_000 + "}"),
    ("an argument that is not there", "{ serverTime(x: 1) }"),
    ("the same argument twice", '{ node(id: "x", id: "y") { id } }'),
    ("an argument that is missing", "{ node { id } }"),
    ("a type that is not there", "query($x: Nothing) { serverTime }"),
    ("an object where an input is wanted", "query($x: Order) { serverTime }"),
    ("a variable that is not declared", "{ node(id: $x) { id } }"),
    ("a variable that is not used", "query($x: ID) { serverTime }"),
    ("a variable declared twice", "query($x: ID!, $x: ID!) { node(id: $x) { id } }"),
    ("a variable of the wrong type", "query($x: Int!) { node(id: $x) { id } }"),
    ("a variable whose default is wrong", 'query($x: Int = "x") { changes(first: $x) { pageInfo { hasNextPage } } }'),
    ("1,000 variables", "query(" + ", ".join(f"$x{n}: ID" for n in range(1_000)) + ") { serverTime }"),
    ("a fragment of itself", "{ viewer { ...f } } fragment f on Viewer { ...f }"),
    ("a circle of fragments", "{ viewer { ...f } } fragment f on Viewer { ...g } fragment g on Viewer { id ...f }"),
    (
        "a circle of fragments through fields",
        f"{{ {NODE} {{ ...f }} }} fragment f on Order {{ dispute {{ order {{ ...f }} }} }}",
    ),
    ("a fragment that is not there", "{ ...f }"),
    ("a fragment that nobody uses", "{ serverTime } fragment f on Viewer { id }"),
    ("a fragment on nothing", "{ ... on Nothing { id } }"),
    ("a fragment on a value", "{ ... on DateTime { id } }"),
    ("a fragment where it cannot be", "{ viewer { ... on Order { id } } }"),
    ("the same fragment twice", "{ ...f } fragment f on Query { serverTime } fragment f on Query { serverTime }"),
    ("only a fragment", "fragment f on Query { serverTime }"),
    ("a fragment 2,000 times", "{ " + "...f " * 2_000 + "} fragment f on Query { serverTime }"),
    (
        "100 fragments in a row",
        "{ ...f0 } "
        + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(100))
        + " fragment f100 on Query { serverTime }",
    ),
    ("a directive that is not there", "{ serverTime @nothing }"),
    ("a directive where it cannot be", "query @skip(if: true) { serverTime }"),
    ("a directive without its argument", "{ serverTime @skip }"),
    ("a directive with the wrong argument", '{ serverTime @skip(if: "yes") }'),
    ("all skipped", "{ serverTime @skip(if: true) }"),
    ("all of a page skipped", "{ viewer { orders { edges @skip(if: true) { cursor } } } }"),
    ("a directive 1,000 times", "{ serverTime " + "@include(if: true) " * 1_000 + "}"),
    ("1,000 directives that are not there", "{ serverTime " + " ".join(f"@x{n}" for n in range(1_000)) + " }"),
    ("two operations of one name", "query a { serverTime } query a { serverTime }"),
    ("two operations without names", "{ serverTime } { serverTime }"),
    ("a definition of a type", "type X { id: ID }"),
    ("a definition of the schema", "schema { query: Query }"),
    ("a definition beside an operation", "{ serverTime } scalar X"),
    ("an extension of a type", "extend type Query { x: Int }"),
    ("a subscription without a stream", f'subscription {{ orderChanged(orderId: "ord_{DIGITS}") {{ id }} }}'),
    (
        "two subscriptions in one",
        'subscription { a: orderChanged(orderId: "x") { id } b: orderChanged(orderId: "x") { id } }',
    ),
    ("a type that is asked for wrongly", "{ __type(name: 1) { name } }"),
    ("a type that is not there", '{ __type(name: "\\u0000") { name } }'),
    ("fields that cannot be one", "{ x: serverTime x: viewer { id } }"),
    ("arguments that cannot be one", '{ node(id: "x") { id } node(id: "y") { id } }'),
    ("5,000 names for a value", "{ " + " ".join(f"x{n}: {TIME}" for n in range(5_000)) + " }"),
    ("a string of a megabyte", '{ node(id: "' + "x" * 1_000_000 + '") { id } }'),
    ("a list of 10,000", "{ nodes(ids: [" + '"x" ' * 10_000 + "]) { id } }"),
    ("10,000 braces", "{ a" * 10_000 + " }" * 10_000),
    ("10,000 braces that stay open", "{ a " * 10_000),
    ("10,000 lists in each other", "{ nodes(ids: " + "[" * 10_000 + "]" * 10_000 + ") { id } }"),
    ("10,000 objects in each other", "{ node(id: " + "{a: " * 10_000 + "1" + "}" * 10_000 + ") { id } }"),
    (
        "100 rows in each other",
        f"{{ {NODE} {{ ... on Order {{ " + "dispute { order { " * 50 + "id" + " } }" * 50 + " } } }",
    ),
    ("a type of 10,000 lists", "query($x: " + "[" * 10_000 + "ID" + "]" * 10_000 + ") { serverTime }"),
]


@pytest.mark.either
@pytest.mark.parametrize("query", [query for _, query in DOCUMENTS], ids=[says for says, _ in DOCUMENTS])
def test_no_document_causes_an_internal_error(buyer: Person, query: str) -> None:
    assert raw(buyer, json.dumps({"query": query}).encode()) == []


# ---------------------------------------------------------------- values: ids, cursors, pages


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


TEXTS: list[Any] = [
    "",
    " ",
    "a\0b",
    "\ud800",
    "a\udfffb",
    "\u202e\ufeff",
    "\u200b\u3164\U000e0041\ufe0f",
    "e\u0301\u2028\x1b",
    "％_%",
    "' OR 1=1 --",
    "x" * 100_000,
    1,
    1.5,
    True,
    [],
    {},
]
IDS: list[Any] = [
    *TEXTS,
    None,
    -1,
    10**30,
    f"dsp_{DIGITS}",
    f"ord_{DIGITS}",
    f"viw_{DIGITS}",
    f"upl_{DIGITS}",
    f"xxx_{DIGITS}",
    f"ORD_{DIGITS}",
    f"ord_{'A' * 32}",
    f"ord_{'０' * 32}",
    f"ord_{DIGITS}0",
    f"ord_{DIGITS[1:]}",
    f"ord_{DIGITS}\n",
    f" ord_{DIGITS}",
    "ord_",
    "_",
    "ord_../../../../etc/passwd",
    f"ord_{'-' * 32}",
    "T3JkZXI6MQ==",
    f"rfd_{DIGITS}",
    f"lin_{DIGITS}_0",
    f"lin_{DIGITS}_-1",
    f"lin_{DIGITS}_00",
    f"lin_{DIGITS}_{'9' * 400}",
    f"lin_{DIGITS}_３",
    f"lin_{DIGITS}",
    "x" * 1_000_000,
    f"ord_{DIGITS[:8]}-{DIGITS[:4]}-{DIGITS[:4]}-{DIGITS[:4]}-{DIGITS[:12]}",
]
CURSORS: list[Any] = [
    *TEXTS,
    "x",
    "=",
    "====",
    cursor(""),
    cursor("1"),
    cursor("1.2"),
    cursor("1."),
    cursor(".1"),
    cursor(f"1.{DIGITS}"),
    cursor(f"-1.{DIGITS}"),
    cursor(f"01.{DIGITS}"),
    cursor(f"１.{DIGITS}"),
    cursor(f"{'9' * 18}.{DIGITS}"),
    cursor(f"-{'9' * 18}.{DIGITS}"),
    cursor(f"{'9' * 19}.{DIGITS}"),
    cursor("1.-1"),
    cursor(f"1.{2**63 - 1}"),
    cursor(f"1.{2**63}"),
    cursor(f"1.{'9' * 19}"),
    cursor("253402300799999999.1"),
    cursor("-62135596800000000.1"),
    cursor(f"-62135596800000000.{DIGITS}"),
    cursor(f"253402300799999999.{DIGITS}"),
    cursor(f"1.{DIGITS}") + "=",
    cursor(f"1.{DIGITS}") + "A",
    cursor(f"1.{'F' * 32}"),
    cursor(f"1.{DIGITS}."),
    cursor(f"1.{DIGITS}.orders"),
    cursor(f"1.{DIGITS}.Orders"),
    cursor(f"1.{DIGITS}.orders.orders"),
    cursor(f"1.{DIGITS}.orders.{DIGITS[:8]}"),
    cursor(f"1.{DIGITS}.disputesdue"),
    cursor(f"1.{DIGITS}.disputemessages"),
    cursor(f"1.{DIGITS}.disputemessages.{DIGITS[:8]}"),
    cursor(f"1.{DIGITS}.{'x' * 100_000}"),
    cursor("1.1.orders"),
    cursor("1.1.ordertimeline"),
    cursor(f"1.1.ordertimeline.{DIGITS[:8]}"),
    cursor("1.1.changes"),
    cursor("1.1.orders\n"),
    cursor("1.1\0"),
    "_-" * 20,
    cursor("x" * 100_000),
    "x" * 1_000_000,
]
SIZES: list[Any] = [
    -1,
    0,
    101,
    10**9,
    2**31 - 1,
    2**31,
    -(2**31),
    -(2**31) - 1,
    10**30,
    1.0,
    1.5,
    "1",
    "",
    True,
    [1],
    {},
    None,
]


def lists(world: World) -> dict[str, str]:
    """Returns every paginated list of this buyer, in the form of `paged`."""
    buyer, order, asked = world.buyer, world.order(paidAt=9), world.order("SECURE_PAYMENT")
    request = {"orderId": asked, "reason": "OTHER"}
    cases = {
        "Dispute": buyer.succeed("openDispute", INPUTS["openDispute"] | {"orderId": order}, "dispute { id }"),
        "Complaint": buyer.succeed(
            "fileComplaint", INPUTS["fileComplaint"] | {"respondent": {"memberId": "x"}}, "complaint { id }"
        ),
        "Cancellation": buyer.succeed("requestCancellation", request, "cancellation { id }"),
    }
    return paged({"Order": order} | {name: payload[name.lower()]["id"] for name, payload in cases.items()})


def test_no_page_or_cursor_causes_an_internal_error(impatient: httpx2.Client, here: World) -> None:
    found: list[tuple[str, str, list[str]]] = []
    cases = 0
    for name, query in lists(here).items():
        person = hurried(impatient, here.service if name == "Query.changes" else here.buyer)
        for argument, of, values in (
            ("first", "Int", SIZES),
            ("last", "Int", SIZES),
            ("after", "String", CURSORS),
            ("before", "String", CURSORS),
        ):
            if name == "Query.changes" and argument in ("last", "before"):
                continue
            document = f"query($x: {of}) {query.replace('%', f'{argument}: $x')}"
            for value in values:
                cases += 1
                if problems := wrong(
                    person.http.post("/graphql", content=body(document, {"x": value}), headers=said(person))
                ):
                    found.append((name, f"{argument}: {value!r:.60}", problems))
        if name != "Query.changes":
            answer = person.answer(query.replace("%", "first: 1, last: 1"))
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]
        assert "errors" not in person.answer(query.replace("%", "first: 1"))
    assert found == []
    assert cases > 1_000


ASKED: list[tuple[str, list[Any]]] = [
    ("query($x: ID!) { node(id: $x) { id } }", IDS),
    ("query($x: ID!) { nodes(ids: [$x]) { id } }", IDS),
    ("query($x: [ID!]!) { nodes(ids: $x) { id } }", [[], [None], None, "x", ["x"] * 101, ["x"] * 100_000, [[]], {}]),
    ("query($x: String!) { order(number: $x) { id } }", [*TEXTS, None, "x" * 1_000_000]),
    (
        "query($x: String!) { caseByNumber(number: $x) { id } }",
        [
            *TEXTS,
            None,
            "D-2026-",
            "D-２０２６-000001",
            "Ⅾ-2026-000001",
            "\u202aD\u202c",
            "D\0",
            "ß",
            "x" * 1_000_000,
            "D" + "9" * 1_000,
        ],
    ),
    (
        "query($x: String) { viewer { orders(filter: {search: $x}) { edges { cursor } } } }",
        [
            *TEXTS,
            None,
            "\\",
            "!",
            "%" * 200,
            "ß" * 200,
            "ﬃ" * 200,
            "ﷺ" * 200,
            "İ" * 200,
            "\u0301" * 200,
            "\u2800 \ufeff",
        ],
    ),
    (
        "query($x: OrderFilter) { viewer { orders(filter: $x) { edges { cursor } } } }",
        [
            {},
            [],
            "x",
            {"x": 1},
            {"kinds": []},
            {"kinds": [None]},
            {"kinds": ["OFFLINE"] * 10_000},
            {"statuses": []},
            {"can": "leave_feedback"},
            {"can": None},
        ],
    ),
    (
        "query($x: FeedbackFilter) { viewer { feedback(filter: $x) { edges { cursor } } } }",
        [{}, [], {"can": "FILE_COMPLAINT"}, {"can": "POST_DISPUTE_MESSAGE"}, {"can": ""}],
    ),
    (
        "query($x: DisputeFilter) { viewer { disputes(filter: $x) { edges { cursor } } } }",
        [{}, {"statuses": []}, {"statuses": [None]}, {"open": "true"}, {"open": 1}, {"open": None}],
    ),
    (
        "query($x: ComplaintFilter) { viewer { complaints(filter: $x) { edges { cursor } } } }",
        [{}, {"statuses": []}, {"overdue": 0}, {"overdue": "yes"}, {"statuses": ["SUBMITTED"] * 10_000}],
    ),
    (
        "query($x: CaseOrder) { viewer { disputes(orderBy: $x) { edges { cursor } } } }",
        [None, "newest_first", "", 0, ["DUE_FIRST"]],
    ),
    (
        "query($x: Action, $y: OrderKind) { rules(action: $x, kind: $y) { label } }",
        ["leave_feedback", "Leave_Feedback", "", 1, None, ["LEAVE_FEEDBACK"], {}],
    ),
    ("subscription($x: ID!) { orderChanged(orderId: $x) { id } }", IDS),
    ("subscription($x: ID!) { caseChanged(caseId: $x) { id } }", IDS),
]


@pytest.mark.parametrize(("query", "values"), ASKED, ids=[query for query, _ in ASKED])
def test_no_id_or_argument_causes_an_internal_error(buyer: Person, query: str, values: list[Any]) -> None:
    found = [(f"{value!r:.60}", raw(buyer, body(query, {"x": value}))) for value in values]
    assert [each for each in found if each[1]] == []


# ---------------------------------------------------------------- values: every place of every input

MANY_DIGITS = "9" * 31
WRONG: dict[str, list[Any]] = {
    "String": [value for value in TEXTS if value != "x" * 100_000],
    "ID": [value for value in IDS if value != "x" * 1_000_000],
    "Boolean": [True, False, 0, 1, "", "true", [True], {}, None],
    "Int": [0, -1, 6, 2**31 - 1, 2**31, -(2**31), 10**30, 1.5, "5", "", True, [5], {}, None],
    "Decimal": [
        "-1.00",
        "0",
        "-0",
        MANY_DIGITS,
        "9" * 30,
        "9" * 16,
        f"1.{'0' * 10}",
        "1.00000000001",
        "1e5",
        "1E400",
        "NaN",
        "-Infinity",
        "Infinity",
        "sNaN",
        "１.00",
        "1,00",
        "1 000.00",
        "٩٠.٠٠",
        "1.00\u200b",
        "\u3164",
        "x" * 101,
        "+1",
        ".5",
        "5.",
        " 1",
        "1\n",
        "",
        1,
        1.5,
        True,
        None,
        [],
        {},
    ],
    "CurrencyCode": [
        "EUR",
        "JPY",
        "usd",
        "€",
        "US\u202eD",
        "\u2800",
        "ZZZ",
        "XAU",
        "XXX",
        "US",
        "USDX",
        "ＵＳＤ",
        "",
        "\0\0\0",
        840,
        None,
        ["USD"],
    ],
    "DateTime": [
        "2026",
        "2026-06-15",
        "2026-06-15T12:00:00",
        "2026-06-15T12:00:00+25:00",
        "2026-02-30T12:00:00Z",
        "1899-12-31T23:59:59Z",
        "1900-01-01T00:00:00Z",
        "9000-12-31T23:59:59Z",
        "9001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "２026-06-15T12:00:00Z",
        "2026-06-15T12:00:60Z",
        "2026-06-15T12:00:00.1234567890Z",
        "now",
        "",
        "\0",
        0,
        1781524800,
        True,
        None,
        [],
    ],
}


def wrong_values(of: Any) -> Iterator[Any]:
    named = TYPES[get_named_type(of).name]
    if is_list_type(get_nullable_type(of)):
        yield from ([], [None], "x", {}, None, [[]])
    elif is_enum_type(named):
        yield from (*map(str.lower, list(named.values)[:2]), "", "NOTHING", 0, True, None, [], {})
    elif is_input_object_type(named):
        yield from (
            {},
            [],
            "x",
            1,
            None,
            {"nothing": 1},
            {"\0": 1},
            dict.fromkeys(named.fields),
            dict.fromkeys(named.fields, "x"),
        )
    else:
        yield from WRONG[named.name]


@pytest.fixture(scope="module")
def right(here: World) -> dict[str, tuple[Person, dict[str, Any]]]:
    return right_inputs(here)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_no_wrong_value_of_an_input_causes_an_internal_error(
    impatient: httpx2.Client, right: dict[str, tuple[Person, dict[str, Any]]], mutation: str
) -> None:
    """The input is valid except in one place, and is sent as a variable."""
    person, input = right[mutation]
    of, found = input_type(mutation), list[tuple[Any, str, list[str]]]()
    for path, each in places(of):
        for value in wrong_values(each):
            content = body(document(mutation), {"input": put(input, of, path, value)})
            answer = impatient.post("/graphql", content=content, headers=said(person))
            if problems := wrong(answer):
                found.append((path, f"{value!r:.60}", problems))
    assert found == []
    assert "errors" not in hurried(impatient, person).answer("{ serverTime }")


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_no_literal_text_of_an_input_causes_an_internal_error(
    impatient: httpx2.Client, right: dict[str, tuple[Person, dict[str, Any]]], mutation: str
) -> None:
    person, input = right[mutation]
    of, found = input_type(mutation), list[tuple[Any, str, list[str]]]()
    for path, each in places(of):
        if str(each).rstrip("!") not in {"String", "ID", "Decimal", "CurrencyCode", "DateTime"}:
            continue
        for value in ("a\0b", "\ud800", "\udc00\ud800", "", "\u2028", "x" * 10_000):
            content = body(document(mutation, literal(of, put(input, of, path, value))), {})
            answer = impatient.post("/graphql", content=content, headers=said(person))
            if problems := wrong(answer):
                found.append((path, f"{value!r:.60}", problems))
    assert found == []
    assert "errors" not in hurried(impatient, person).answer("{ serverTime }")


def test_the_corpus_is_large() -> None:
    assert len(BODIES) + len(HEADERS) + len(REQUESTS) + len(DOCUMENTS) + sum(len(values) for _, values in ASKED) > 350
