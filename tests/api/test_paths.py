"""Walks every path from every root to every type, as every role, with the ids of other people. No answer shows their data.
The documents are generated from the schema, so new fields and types are walked as well."""

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import httpx2
import pytest
from graphql import GraphQLInputObjectType, get_named_type, is_enum_type, is_leaf_type, is_list_type
from graphql.type import is_object_type

import models
from models.enums import Role
from models.keys import new_id
from resolvers.account import Account
from resolvers.context import Context
from resolvers.ids import decode
from resolvers.read import fetch
from resolvers.read.rows import Row
from resolvers.read.scopes import SCOPES
from resolvers.read.select import Select
from resolvers.read.sql import Where
from server.auth.tokens import development_token
from tests.conftest import DAY, NOW, Person, Server, World
from tests.support.actions import INPUTS, OTHER_MUTATIONS, everything_possible
from tests.support.filled import LATER, Filled
from tests.support.inputs import refund_record
from tests.support.paths import (
    READ,
    ROOTS,
    TYPES,
    Document,
    below,
    documents,
    legible,
    nested,
    objects,
    reached,
    rows,
)
from tests.support.subscriptions import Socket, ago, complete, dispute, leave_feedback, now, opened

pytestmark = pytest.mark.slow

# The most rows below a root. Other roots than these lead to the same rows, so they have all fields of the rows they give.
# test_every_field_is_read_below_every_field_that_leads_to_it holds what that leaves.
HOPS = {"viewer": 3, "changes": 3, "nodes": 2}
B, S, A, V = Role.BUYER, Role.SUPPLIER, Role.AGENT, Role.SERVICE
EVERYBODY, PEOPLE, COMPLAINANT, NOBODY = {B, S, A, V}, {B, S, A}, {B, A}, set[Role]()

# What each role reads of a world: docs/decisions/scopes.md, evidence.md and complaints.md.
READS: dict[str, set[Role]] = {
    "the buyer's name": EVERYBODY,
    "the supplier's name": EVERYBODY,
    "the agent's name": EVERYBODY,  # who decided
    "the service's name": {V},
    "the buyer's subject": NOBODY,
    "the supplier's subject": NOBODY,
    "the agent's subject": NOBODY,
    "the service's subject": NOBODY,
    "the instants": EVERYBODY,
    "the orders' numbers": EVERYBODY,
    "an item": EVERYBODY,
    "an item's SKU": EVERYBODY,
    "an item's picture": EVERYBODY,
    "a price": EVERYBODY,
    "the total": EVERYBODY,
    "what is paid": EVERYBODY,
    # The order system does not see what people wrote about an order …
    "the first comment": PEOPLE,
    "the reply": PEOPLE,
    "the comment": PEOPLE,
    "the request's note": PEOPLE,
    "the refusal's note": PEOPLE,
    "the dispute": PEOPLE,
    "the dispute's file": PEOPLE,
    "the proposal's note": PEOPLE,
    "the agreement's note": PEOPLE,
    "the rejection's note": PEOPLE,
    "the request for evidence": PEOPLE,
    "the message": PEOPLE,
    "the message's file": PEOPLE,
    "the decision's note": PEOPLE,
    "the return's address": PEOPLE,
    "the receipt's note": PEOPLE,
    "why the return is refused": PEOPLE,
    "the refusal's file": PEOPLE,
    "the appeal": PEOPLE,
    "the appeal's file": PEOPLE,
    "the report's note": PEOPLE,
    # … but it sees the amounts.
    "the claim": EVERYBODY,
    "what is proposed": EVERYBODY,
    "what was decided": EVERYBODY,
    # … and how goods and money went back.
    "the carrier": EVERYBODY,
    "the tracking number": EVERYBODY,
    "what was refunded": EVERYBODY,
    "the refund's reference": EVERYBODY,
    # Only the complainant and agents see a complaint.
    "the complaint": COMPLAINANT,
    "the complaint's file": COMPLAINANT,
    "the complaint's message": COMPLAINANT,
    "the complaint's end": COMPLAINANT,
    "the contact's e-mail": COMPLAINANT,
    "the contact's phone": COMPLAINANT,
    "the respondent's e-mail": COMPLAINANT,
    "the respondent's member id": COMPLAINANT,
    "the respondent's page": COMPLAINANT,
    "what the complaint is about": COMPLAINANT,
    "what the complaint brought": COMPLAINANT,
    "an unused file": NOBODY,
    "a key": NOBODY,
}


def test_every_word_of_a_world_has_its_readers(walked: "Walked") -> None:
    assert set(READS) == set(walked.world.words)


@pytest.mark.parametrize("role", Role)
def test_each_role_reads_what_is_meant_for_it(walked: "Walked", role: Role) -> None:
    told = walked.told[role]
    assert {what for what, word in walked.world.words.items() if word in told} == {
        what for what, readers in READS.items() if role in readers
    }


# ---------------------------------------------------------------- the walk


@pytest.fixture(scope="module")
def http(server: Server) -> Generator[httpx2.Client]:
    """A client of a server whose limits allow these long documents."""
    view, usual = server.endpoint, server.settings.limits
    view.limits = replace(usual, depth=100, fields=10**6, aliases=10**6, cost=10**12)
    with httpx2.Client(base_url=server.url, timeout=60) as http:
        yield http
    view.limits = usual


@pytest.fixture(scope="module")
def other(http: httpx2.Client) -> Filled:
    """A second world, which shares no people and no rows with the first one."""
    return Filled(http)


@dataclass
class Walked:
    """A world, and what its own people read on every path."""

    world: Filled
    start: str  # a cursor of `changes` from before the world was made
    told: dict[Role, str] = field(default_factory=dict[Role, str])
    reached: set[str] = field(default_factory=set[str])

    tells: dict[Document, bool] = field(default_factory=dict[Document, bool])  # whether an answer shows the world
    told_others: list["Told"] = field(default_factory=list["Told"])  # about this world
    told_of_other: list["Told"] = field(default_factory=list["Told"])  # to other people, about their own world

    @property
    def people(self) -> list[Person]:
        return [self.world.buyer, self.world.supplier, self.world.agent, self.world.service]

    @cached_property
    def secrets(self) -> set[str]:
        """Returns what occurs only in this world: its words, and the ids and numbers that its own people read."""
        own = " ".join(self.told[role] for role in (B, S, V))
        found = re.findall(r"\b[a-z]{3}_([0-9a-f]{32})\b", own) + re.findall(r"\b[KDC]-\d{4}-\d{6}\b", own)
        return {*self.world.words.values(), *found, *(id[4:] for id in self.world.ids.values())}


@dataclass
class Told:
    """What a person was told, by which document."""

    person: Person
    document: Document
    variables: dict[str, Any]
    text: str


@pytest.fixture(scope="module")
def walked(http: httpx2.Client, other: Filled) -> Walked:
    """Everybody asks with one document before the next one: to parse, validate and compile it takes a fifth of a second."""
    start = last_cursor(other.agent)
    walked = Walked(Filled(http), start)
    texts: dict[Role, list[str]] = {role: [] for role in Role}
    others = strangers(walked.world, other)
    for document, (ours, theirs) in walk(start, walked.world, other):
        walked.tells[document] = False
        for variables in ours:
            for person in walked.people:
                answer = person.at(LATER).answer(document.text, **variables)
                # Agents also read what other tests have left. Buyers and suppliers cannot read `changes`.
                may_fail = person.role is A or (document.root == "changes" and person.role is not V)
                assert may_fail or "errors" not in answer, answer["errors"]
                text = legible(answer)
                texts[person.role].append(text)
                walked.reached |= set(reached(answer))
                walked.tells[document] |= any(word in text for word in walked.world.words.values())
            walked.told_others += [ask(person, document, variables) for person in others]
        for variables in theirs:
            people = (other.buyer, other.supplier, other.service)
            walked.told_of_other += [ask(person, document, variables) for person in people]
    walked.told = {role: "\n".join(those) for role, those in texts.items()}
    return walked


def ask(person: Person, document: Document, variables: dict[str, Any]) -> Told:
    return Told(person, document, variables, legible(person.at(LATER).answer(document.text, **variables)))


def last_cursor(agent: Person) -> str:
    """Returns the cursor behind all events so far."""
    after: str | None = None
    while True:
        page = agent.ask(
            "query($a: String) { changes(first: 100, after: $a) { pageInfo { hasNextPage endCursor } } }", a=after
        )["changes"]["pageInfo"]
        after = page["endCursor"] or after
        if not page["hasNextPage"]:
            return after or ""


def walk(start: str, *worlds: Filled) -> Iterator[tuple[Document, list[list[dict[str, Any]]]]]:
    """Yields every document of every root field, with the variables that ask for the objects of each world."""
    literals = {"changes": f'first: 100, after: "{start}"'}
    for root in ROOTS["query"].fields:
        for document in documents("query", root, HOPS.get(root, 1), literals.get(root, "")):
            yield document, [asked(document, world) for world in worlds]


def asked(document: Document, world: Filled) -> list[dict[str, Any]]:
    ids = list(world.ids.values())
    if not document.variables:
        return [{}]
    return {
        "node": [{"id": id} for id in ids if is_about(document, id)],
        "nodes": [{"ids": ids}],
        "order": [{"number": number} for number in world.orders],
        "caseByNumber": [{"number": number} for number in world.cases],
    }[document.root]


def is_about(document: Document, id: str) -> bool:
    """Whether the document has a field of this id's type. A row of another type would answer with its type alone."""
    decoded = decode(id)
    asked = {name for condition in re.findall(r"\.\.\. on (\w+)", document.text) for name in objects(TYPES[condition])}
    return decoded is None or decoded[0] not in NODES or decoded[0] in asked


def strangers(world: Filled, other: Filled) -> list[Person]:
    """Returns people of another world, and this world's subjects in roles that see nothing of it."""
    people = (world.buyer, world.supplier, world.agent, world.service)
    twins = [twin(person, role) for person in people for role in (B, S, V) if role is not person.role]
    return [other.buyer, other.supplier, other.service, *twins]


def twin(person: Person, role: Role) -> Person:
    """Returns the same subject in another role, under a neutral name."""
    other = Person(person.http, person.subject, role)
    other.token = development_token(person.subject, role, "Somebody")
    return other


def test_nobody_else_is_told_anything(walked: Walked) -> None:
    assert len(walked.told_others) > 1000
    no_leaks(walked.secrets, walked.told_others)


def test_their_own_paths_do_not_lead_there_either(walked: Walked) -> None:
    assert len(walked.told_of_other) > 300
    no_leaks(walked.secrets, walked.told_of_other)


def no_leaks(secrets: set[str], told: list[Told]) -> None:
    for each in told:
        stranger, text, variables = each.person, each.document.text, each.variables
        assert not leaks(secrets, each.text), f"{stranger.role} {stranger.subject}: {text} {variables}"


def leaks(secrets: set[str], told: str) -> set[str]:
    return {secret for secret in secrets if secret in told}


# ---------------------------------------------------------------- the walk is complete


NODES = set(objects(TYPES["Node"]))
UNQUERIED = {
    "Query",
    "Mutation",
    "Subscription",
    "Upload",
    "Header",
    "UserError",
    "ViewerChange",
}  # queries do not lead there


def test_the_walk_leads_everywhere(walked: Walked) -> None:
    """Every type that is a node or read from a table was in an answer. So was every field of the types that queries
    reach, with a value."""
    shown = {name for name, each in TYPES.items() if is_object_type(each) and not name.startswith("__")}
    nodes = {name for name in shown if TYPES["Node"] in TYPES[name].interfaces}
    expected = nodes | (READ & shown)
    assert len(expected) >= 11
    assert expected - walked.reached == {"Upload"}  # only createUpload returns it, to its uploader
    queried = {name for name in shown if name in walked.reached}
    fields = {f"{name}_{each}" for name in queried for each in TYPES[name].fields}
    assert fields - walked.reached == {"Complaint_nextChangeAt", "Complaint_nextChange"}  # time alone never changes it
    assert {name for name in shown - queried if not name.endswith("Payload")} == UNQUERIED


def test_every_field_is_read_below_every_field_that_leads_to_it(walked: Walked) -> None:
    """Each edge has a scope of its own. So all pairs of edges are enough, and longer paths add nothing."""
    read = {pair for document in walked.tells for pair in nested(document)}
    names = {name for name, each in TYPES.items() if is_object_type(each)} - UNQUERIED | {"Query"}
    expected = {
        (f"{name}_{each}", f"{below}_{inner}")
        for name in names
        if not name.startswith("__") and not name.endswith("Payload")
        for each, of in TYPES[name].fields.items()
        for below in objects(of.type)
        for inner in TYPES[below].fields
    }
    assert len(expected) > 1000
    # A path has no edge twice, and a decision about what comes next has nothing after it.
    assert expected - read == {
        ("Afterwards_opens", "Decision_afterwards"),
        ("Afterwards_closes", "Decision_afterwards"),
    }


def test_every_document_tells_its_own_people_something(walked: Walked) -> None:
    """Checks documents that read a field of a row of a table, and not only what leads from it."""
    silent = [document.text for document, tells in walked.tells.items() if not tells]
    read = [
        f" {name}_{each}: {each} "
        for name in READ & set(TYPES)
        for each, of in TYPES[name].fields.items()
        if is_leaf_type(get_named_type(of.type))
    ]
    assert len(walked.tells) > 30
    never = "Refund_relatedCase: relatedCase { __typename ... on Complaint {"  # a complaint owes nothing
    assert not [text for text in silent if any(field in text for field in read) and never not in text]


# ---------------------------------------------------------------- lists: filters and cursors never show more


def narrowed(world: Filled, cursors: set[tuple[str, str]]) -> Iterator[str]:
    """Yields every list of the viewer, with every value of every field of its filter, and after each of its cursors.
    `cursors` are given with the types that they come from."""
    for name, of in TYPES["Viewer"].fields.items():
        if "first" not in of.args:
            continue
        edges = "{ edges { cursor node { id } } }"
        wishes: list[str] = []
        if "filter" in of.args:
            filters = TYPES[str(of.args["filter"].type)]
            wishes += [
                f"filter: {{{field}: {value}}}" for field in filters.fields for value in values(filters, field, world)
            ]
        if "within" in of.args:
            wishes += [f"within: {days}" for days in (0, 365)]
        if "orderBy" in of.args:
            wishes += [f"orderBy: {value}" for value in TYPES["CaseOrder"].values]
        edge = str(of.type).removesuffix("Connection!") + "Edge"
        own = sorted(cursor for type_name, cursor in cursors if type_name == edge)
        assert own, name
        wishes += [f'{way}: "{cursor}"' for cursor in own for way in ("after", "before") if way in of.args]
        lists = [f"l{place}: {name}({wish}) {edges}" for place, wish in enumerate(wishes)]
        for start in range(0, len(lists), 40):
            yield f"{{ viewer {{ {' '.join(lists[start : start + 40])} }} }}"


def values(of: GraphQLInputObjectType, name: str, world: Filled) -> list[str]:
    given, named = of.fields[name].type, get_named_type(of.fields[name].type)
    if is_enum_type(named):
        return [f"[{value}]" if is_list_type(given) else value for value in named.values]
    return {"Boolean": ["true", "false"], "String": [f'"{world.mark}"', '"%"', '"\' OR TRUE --"']}[named.name]


def test_nothing_that_narrows_a_list_leads_out_of_it(walked: Walked, other: Filled) -> None:
    secrets = walked.secrets
    cursors = set(re.findall(r'"(\w+Edge)_cursor": "([^"]+)"', walked.told[B]))
    asked = list(narrowed(walked.world, cursors))
    answers = [walked.world.buyer.at(LATER).answer(text) for text in asked]
    assert not [answer["errors"] for answer in answers if "errors" in answer]
    assert leaks(secrets, "".join(map(legible, answers)))
    for stranger in strangers(walked.world, other):
        for text in asked:
            assert not leaks(secrets, legible(stranger.at(LATER).answer(text))), f"{stranger.role}: {text}"


# ---------------------------------------------------------------- mutations


def payload(mutation: str) -> str:
    """Returns the mutation, with every path below its payload."""
    of = ROOTS["mutation"].fields[mutation]
    return f"mutation($input: {of.args['input'].type}) {{ {below(f'{mutation}(input: $input)', TYPES[str(of.type)[:-1]], 1)} }}"


def test_nobody_else_does_anything(walked: Walked, other: Filled) -> None:
    """Strangers get the same refusal before and after the mutation was done with its key, and see nothing."""
    possible = everything_possible(walked.world.at(NOW))
    assert set(possible) | OTHER_MUTATIONS == set(ROOTS["mutation"].fields)
    others, secrets = strangers(walked.world, other), walked.secrets
    for mutation, (person, input) in possible.items():
        keyed, text = input | {"idempotencyKey": walked.world.words["a key"] + mutation}, payload(mutation)
        for _ in range(2):
            for stranger in others:
                answer = stranger.at(LATER).answer(text, input=keyed)
                errors, shown = results(answer)
                assert [(error["UserError_code"], error["UserError_field"]) for error in errors] == [
                    ("NOT_FOUND", None)
                ]
                assert shown == [], mutation
                assert not leaks(secrets, legible(answer)), mutation
            errors, shown = results(person.answer(text, input=keyed))
            assert errors == []
            assert shown != [], mutation


def results(answer: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Returns the errors of a mutation's payload, and the rest of it."""
    [payload] = answer["data"].values()
    errors = payload.pop(f"{payload['__typename']}_userErrors")
    return errors, [value for name, value in payload.items() if name != "__typename" and value not in (None, [])]


def test_what_is_somebody_elses_is_not_taken_along(walked: Walked, other: Filled) -> None:
    """Own mutations that name files of another world, and numbers that another service recorded."""
    secrets = walked.secrets
    file, taken = walked.world.ids["Upload"], "upl_" + walked.world.ids["Attachment"][4:]
    opening = INPUTS["openDispute"] | {"orderId": other.order(paidAt=1)}
    filing = INPUTS["fileComplaint"] | {"respondent": {"memberId": "x"}}
    case = {"caseId": other.buyer.succeed("openDispute", opening, "dispute { id }")["dispute"]["id"], "text": "See."}
    complaint = {
        "caseId": other.buyer.succeed("fileComplaint", filing, "complaint { id }")["complaint"]["id"],
        "text": "See.",
    }
    for mutation, name, input in (
        ("openDispute", "evidence", opening | {"orderId": other.order(paidAt=1)}),
        ("fileComplaint", "evidence", filing | {"description": "Another"}),
        ("postDisputeMessage", "attachments", case),
        ("postComplaintMessage", "attachments", complaint),
    ):
        answer = other.buyer.answer(payload(mutation), input=input | {name: [file, taken]})
        errors, _ = results(answer)
        assert [error["UserError_field"] for error in errors] == [[name, "0"], [name, "1"]]
        assert {error["UserError_message"] for error in errors} == {
            "Upload not found; it may belong to another account."
        }
        assert not leaks(secrets, legible(answer))
    record = {"orders": [other.record(number=walked.world.orders[0], recordedAt=-9)]}
    refund = refund_record(walked.world)
    money = {"refunds": [refund, refund | {"reference": "x", "caseNumber": None}]}
    for stranger in strangers(walked.world, other):
        for mutation, input in (("recordOrders", record), ("recordRefunds", money)):
            answer = stranger.answer(payload(mutation), input=input)
            errors, shown = results(answer)
            assert {error["UserError_code"] for error in errors} == {
                "INVALID_INPUT" if stranger.role is V else "NOT_YOUR_ROLE"
            }
            assert shown == []
            assert not leaks(secrets, legible(answer))


# ---------------------------------------------------------------- subscriptions

Thing = tuple[str, str, Callable[[], Any], set[Role]]


def watched(world: World) -> list[Thing]:
    """Each subscription with each kind of object, what changes it, and who is told. Sockets use the real clock."""
    buyer, supplier, agent = now(world.buyer), now(world.supplier), now(world.agent)
    order, case = complete(world), dispute(world, complete(world))
    asked = {"orderId": world.order("SECURE_PAYMENT", placedAt=ago(DAY))}
    request = buyer.succeed("requestCancellation", asked | {"reason": "OTHER"}, "cancellation { id }")["cancellation"]
    filing = INPUTS["fileComplaint"] | {"respondent": {"memberId": "x"}}
    complaint = buyer.succeed("fileComplaint", filing, "complaint { id }")["complaint"]["id"]

    def write(person: Person, mutation: str, case: str) -> Callable[[], Any]:
        return lambda: person.succeed(mutation, {"caseId": case, "text": "Well …"})

    return [
        ("orderChanged", order, lambda: leave_feedback(world, order), EVERYBODY),
        ("caseChanged", request["id"], lambda: supplier.succeed("acceptCancellation", asked), EVERYBODY),
        ("caseChanged", case, write(supplier, "postDisputeMessage", case), EVERYBODY),
        ("caseChanged", complaint, write(agent, "postComplaintMessage", complaint), COMPLAINANT),
    ]


def test_nobody_else_watches_anything(server: Server, walked: Walked, other: Filled) -> None:
    things, others = watched(walked.world), strangers(walked.world, other)
    # viewerChanged takes no id: everybody watches what is their own.
    roots = [root for root in ROOTS["subscription"].fields if root != "viewerChanged"]
    shapes = {root: documents("subscription", root, 1) for root in roots}
    assert set(shapes) == {root for root, *_ in things}
    for root, id, change, readers in things:
        may = [person for person in walked.people if person.role in readers]
        for person in [*others, *(person for person in walked.people if person not in may)]:
            with opened(server, person) as socket:
                assert all(refused(socket, shape, id) for shape in shapes[root]), (
                    f"{person.role} {person.subject}: {root}"
                )
        with ExitStack() as stack:
            sockets = [stack.enter_context(opened(server, person)) for person in may]
            for socket in sockets:
                for shape in shapes[root]:
                    socket.watch(shape.text, **dict.fromkeys(shape.variables, id))
            change()
            for socket in sockets:
                told = "".join(legible(socket.told()) for _ in shapes[root])
                assert id in told


def refused(socket: Socket, document: Document, id: str) -> bool:
    asked = socket.subscribe(document.text, **dict.fromkeys(document.variables, id))
    message = socket.receive()
    codes = [error["extensions"]["code"] for error in message["payload"]]
    return (message["id"], message["type"], codes) == (asked, "error", ["NOT_FOUND"])


# ---------------------------------------------------------------- neighbours


def test_one_order_together_shows_none_of_the_others(walked: Walked, other: Filled) -> None:
    """Another supplier of the same buyer, recorded by another service, sees the buyer's account and nothing else."""
    world = walked.world
    buyer = {"subject": world.words["the buyer's subject"], "name": "x"}
    other.service.succeed("recordOrders", {"orders": [other.record(completedAt=1) | {"buyer": buyer}]})
    known = {world.words["the buyer's name"], world.ids["Account"][4:]}
    found = {neighbour.role: set[str]() for neighbour in (other.supplier, other.service)}
    for document, [ours] in walk(walked.start, world):
        for variables in ours:
            for neighbour in (other.supplier, other.service):
                found[neighbour.role] |= leaks(walked.secrets, ask(neighbour, document, variables).text)
    assert found == {S: known, V: known}


# ---------------------------------------------------------------- new types


def test_a_new_type_cannot_be_read_without_a_scope(server: Server) -> None:
    """SCOPES has no line for idempotency keys, so they cannot be read."""

    @dataclass(kw_only=True)
    class Key:  # not a Row, so that this class is not registered beyond the test
        MODEL = models.IdempotencyKey

        context: Any
        key: str

    async def read() -> None:
        await fetch.fetch(context, Select(cast("type[Row]", Key), Where("TRUE")))

    viewer = Account(id=new_id(), subject="x", role=A, name="x")
    limits = server.settings.limits
    context = Context(viewer, LATER, LATER, server.state.files, server.state.hub, limits)
    with pytest.raises(KeyError, match=r"^'idempotency_keys'$"):
        server.run(read)


def test_all_that_is_read_has_a_scope_for_every_role() -> None:
    assert len(rows()) >= 10
    for row in rows():
        assert set(SCOPES[row.MODEL._meta.db_table]) == set(Role), row
