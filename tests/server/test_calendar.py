"""Calendars: an account's agenda as iCalendar, at an address that is the right to read it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

import httpx2
import pytest

from models.enums import Role
from models.keys import new_id
from resolvers import policy
from resolvers.agenda import AgendaEntry
from resolvers.calendar import MAX_ENTRIES, write_calendar
from tests.conftest import DAY, NOW, World, code
from tests.support.subscriptions import ago, complete, leave_feedback, now

ADDRESS = "{ viewer { calendarUrl } }"
AGENDA = "{ viewer { agenda(first: 100, within: 365) { edges { node { id at text } } } } }"
RESET = "mutation { resetCalendar { calendarUrl } }"

Event = dict[str, str]


def lines(text: str) -> list[str]:
    """Returns the content lines, unfolded."""
    assert text.endswith("\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    return text.replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def events(text: str) -> list[Event]:
    found: list[Event] = []
    for line in lines(text):
        if line == "BEGIN:VEVENT":
            found.append({})
        name, _, value = line.partition(":")
        if found:
            found[-1][name] = value
    return found


def address(person: Any, **headers: str) -> str:
    return now(person).send({"query": ADDRESS}, **headers).json()["data"]["viewer"]["calendarUrl"]


def read(world: World, url: str) -> list[Event]:
    answer = world.http.get(url)
    assert answer.status_code == 200, answer.text
    return events(answer.text)


def test_a_calendar_has_the_agenda_of_a_year_by_the_real_clock(world: World) -> None:
    complete(world)
    world.order("TRADE_ASSURANCE", placedAt=ago(99 * DAY), completedAt=ago(2 * DAY))
    world.order("TRADE_ASSURANCE", placedAt=ago(99 * DAY), completedAt=ago(61 * DAY))  # too late
    shown = [edge["node"] for edge in now(world.buyer).ask(AGENDA)["viewer"]["agenda"]["edges"]]
    assert len(shown) == 2
    assert [(event["UID"], event["DTSTART"]) for event in read(world, address(world.buyer.at(NOW)))] == [
        (entry["id"], f"{entry['at'][:19].replace('-', '').replace(':', '')}Z") for entry in shown
    ]
    assert read(world, address(world.supplier)) == []


def test_a_calendar_says_what_it_is(world: World) -> None:
    complete(world)
    answer = world.http.get(address(world.buyer))
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    head = list(itertools.takewhile(lambda line: line != "BEGIN:VEVENT", lines(answer.text)))
    assert head[0] == "BEGIN:VCALENDAR"
    assert {"VERSION:2.0", "X-PUBLISHED-TTL:PT1H", "REFRESH-INTERVAL;VALUE=DURATION:PT1H"} <= set(head)
    [event] = events(answer.text)
    assert event.keys() >= {"UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "SUMMARY"}
    assert "DTEND" not in event  # it takes no time
    assert world.http.get(answer.url).content == answer.content


def test_the_language_and_the_zone_are_those_of_the_request_that_read_the_address(world: World) -> None:
    complete(world)
    german = address(world.buyer, **{"Accept-Language": "de", "Time-Zone": "Asia/Kolkata"})
    query = dict(parse_qsl(urlsplit(german).query))
    assert (query["language"], query["zone"]) == ("de", "Asia/Kolkata")
    [event], [plain] = read(world, german), read(world, address(world.buyer))
    assert plain["SUMMARY"].endswith("UTC.")
    assert "UTC" not in event["SUMMARY"]
    assert event["DTSTART"] == plain["DTSTART"]
    asked = world.http.get(german, headers={"Accept-Language": "fr", "Time-Zone": "UTC"})
    assert events(asked.text) == [event]


def test_a_changed_end_moves_its_entry(world: World) -> None:
    record = world.record(placedAt=ago(99 * DAY), completedAt=ago(5 * DAY), recordedAt=ago(timedelta(hours=2)))
    world.service.at(datetime.now(UTC) - timedelta(hours=2)).succeed("recordOrders", {"orders": [record]})
    url = address(world.buyer)
    [before] = read(world, url)
    later = record | {"completedAt": ago(3 * DAY), "recordedAt": ago(timedelta(hours=1))}
    now(world.service).succeed("recordOrders", {"orders": [later]})
    [after] = read(world, url)
    assert after["UID"] == before["UID"]
    assert after["DTSTART"] > before["DTSTART"]
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])
    assert after["LAST-MODIFIED"] > before["LAST-MODIFIED"]


def test_what_is_done_is_gone(world: World) -> None:
    url, order = address(world.buyer), complete(world)
    assert len(read(world, url)) == 1
    leave_feedback(world, order)
    assert read(world, url) == []
    assert len(read(world, address(world.supplier))) == 1  # the reply


def test_a_reset_ends_all_addresses_so_far(world: World) -> None:
    old = [address(world.buyer), address(world.buyer, **{"Accept-Language": "es"})]
    others = address(world.supplier)
    made = [now(world.buyer).ask(RESET)["resetCalendar"]["calendarUrl"] for _ in range(2)]
    assert len({*old, *made}) == 4
    assert made[-1] == address(world.buyer)
    for url in (*old, made[0]):
        answer = world.http.get(url)
        assert (answer.status_code, code(answer)) == (403, "FORBIDDEN")
    assert read(world, made[-1]) == read(world, others) == []


def without_signature(url: str, **changes: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | changes)))


@pytest.mark.parametrize("changes", [{"signature": "0" * 64}, {"language": "fr"}, {"resets": "1"}, {"more": "x"}])
def test_an_address_that_was_changed_is_refused(world: World, changes: dict[str, str]) -> None:
    assert world.http.get(without_signature(address(world.buyer), **changes)).status_code == 403


def test_an_address_is_for_one_account(world: World) -> None:
    own, other = urlsplit(address(world.buyer)), urlsplit(address(world.supplier))
    key = own.path.removeprefix("/calendars/").removesuffix(".ics")
    for path in (other.path, f"/calendars/{key.upper()}.ics", f"/calendars/{key}", "/calendars/x.ics"):
        assert world.http.get(urlunsplit(own._replace(path=path))).status_code == 403, path
    assert world.http.get(f"/files/{key}?{own.query}").status_code == 403


def test_a_calendar_takes_no_other_method(world: World) -> None:
    url = address(world.buyer)
    head = world.http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == "text/calendar; charset=utf-8"
    assert world.http.post(url).status_code == 405


def test_an_address_is_in_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    url = address(world.buyer)
    with caplog.at_level("INFO"):
        for each in (url, without_signature(url, zone="UTC+1")):
            world.http.get(each)
    signature = dict(parse_qsl(urlsplit(url).query))["signature"]
    assert signature not in "".join(record.getMessage() for record in caplog.records if record.name != "httpx2")


def test_a_calendar_has_a_bound(world: World) -> None:
    for _ in range(2):
        records = [world.record(placedAt=ago(99 * DAY), completedAt=ago(DAY)) for _ in range(MAX_ENTRIES // 2 + 1)]
        world.service.succeed("recordOrders", {"orders": records})
    assert len(read(world, address(world.buyer))) == MAX_ENTRIES


AT = datetime(2026, 6, 20, 12, 0, 0, 999_999, UTC)


def entry(number: str, key: UUID) -> AgendaEntry:
    [end] = {end.name: end for end in policy.ENDS if end.role is Role.AGENT}.values()
    context: Any = None
    return AgendaEntry(context=context, end=end, at=AT, key=key, order_id=None, case=None, number=number, amount=None)


@pytest.mark.parametrize(
    "number", ["a,b;c", "a\\nb", "a\nEND:VCALENDAR\nb", "a\r\nX: y", "x" * 300, "订单" * 60, '"a":b']
)
def test_a_number_is_only_text(number: str) -> None:
    text = write_calendar([entry(number, new_id())], {}).decode()
    assert lines(text).count("END:VCALENDAR") == 1
    [event] = events(text)
    assert event["DTSTART"] == "20260620T120000Z"  # cut to the second
    written = event["SUMMARY"].replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\")
    if "\\" not in number:
        assert number.replace("\r\n", "\n") in written


def test_reading_needs_no_token_and_writes_nothing(world: World) -> None:
    with httpx2.Client() as stranger:
        assert stranger.get(address(world.buyer)).status_code == 200
