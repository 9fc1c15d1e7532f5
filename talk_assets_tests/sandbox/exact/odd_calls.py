"""Odd calls of the local Exact: addresses, queries, headers and bodies as broken or clever clients may send them.

Most are right but for one or two things, because a call is refused for the first thing that is wrong with it.
"""

import json
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from hypothesis import strategies as st

from talk_assets.sandbox.exact.model import SETS, EntitySet, Property

GUID = "11111111-2222-3333-4444-555555555555"
TEXT = st.text(max_size=12) | st.sampled_from(["", " ", "'", "''", "\x00", "\u202e", "ü" * 60, "x" * 300, "/Date(5)/"])
NUMBERS = st.sampled_from(
    ["0", "-1", "1.5", "9" * 19, "9" * 400, "1e309", "-1e-400", "5L", "5M", "0x5", "1_0", "٣", "NaN", "00000"]
) | st.integers(-(2**70), 2**70).map(str)
LITERALS = st.one_of(
    NUMBERS,
    st.sampled_from(
        ["true", "null", f"guid'{GUID}'", f"guid'{GUID.upper()}'", "guid'x'", "datetime'2024-02-30'", "datetime'1-1-1'"]
    ),
    st.sampled_from(["datetime'9999-12-31T23:59:59.9999999'", "datetime'/Date(9e9)/'", "binary'00'", "time'PT1H'"]),
    TEXT.map(lambda text: "'" + text.replace("'", "''") + "'"),
)
FITTING = {
    "String": TEXT.map(lambda text: "'" + text.replace("'", "''") + "'"),
    "Guid": st.sampled_from([f"guid'{GUID}'", f"guid '{GUID.upper()}'", "guid''"]),
    "Boolean": st.sampled_from(["true", "false", "null", "1"]),
    "DateTime": st.sampled_from(
        ["datetime'2024-01-31'", "datetime'0001-01-01T00:00:00'", "datetime'/Date(99999999999999999)/'", "datetime''"]
    ),
}
FUNCTIONS = ["trim", "startswith", "endswith", "substringof", "tolower", "length", "not"]
OPERATORS = ["eq", "ne", "gt", "ge", "lt", "le", "and", "or", "add", "EQ", ""]
MARKS = st.sampled_from(["(", ")", ",", "'", "/", " ", "&", "%", "$", "not ", "null"])
HEADER_VALUES = st.sampled_from(
    ["", "*/*", "application/json", "text/html, application/json;q=0.1", "return=representation", 'W/"1"', "NL"]
) | st.text("abc /*=;,\"'%\xe4\xff", max_size=20)


T = TypeVar("T")


@dataclass(frozen=True)
class OddCall:
    """A call: what is sent, with the target as it stands in the first line."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def chosen(*weighted: tuple[int, st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """One of several, as often as it weighs; `one_of` would take equal ones together and give each the same chance."""
    return st.sampled_from([strategy for weight, strategy in weighted for _ in range(weight)]).flatmap(lambda one: one)


def names(entity_set: EntitySet) -> st.SearchStrategy[str]:
    """Names of properties, mostly real ones."""
    real = st.sampled_from(sorted(entity_set.properties))
    odd = st.sampled_from(["", "*", "Nonsense", "id", "Account/Name", "QuotationLines/Item", "SalesOrderLines/*", "Ä"])
    return chosen((9, real), (1, odd))


def comparisons(entity_set: EntitySet) -> st.SearchStrategy[str]:
    """Comparisons of a property with a literal of its type, and of anything with anything."""
    by_type: dict[str, list[str]] = {}
    for prop in entity_set.properties.values():
        if not prop.is_collection:
            by_type.setdefault(prop.type, []).append(prop.name)
    fitting = [
        st.tuples(st.sampled_from(found), st.sampled_from(["eq", "ne", "gt", "le"]), FITTING.get(kind, NUMBERS)).map(
            " ".join
        )
        for kind, found in by_type.items()
    ]
    operand = names(entity_set) | LITERALS
    anything = st.tuples(operand, st.sampled_from(OPERATORS), operand).map(" ".join)
    return chosen((5, st.one_of(fitting)), (1, anything))


def filters(entity_set: EntitySet) -> st.SearchStrategy[str]:
    """Filters, most of them grammatical."""
    comparison = comparisons(entity_set)
    call = st.builds(
        lambda function, parts: f"{function}({','.join(parts)})",
        st.sampled_from(FUNCTIONS),
        st.lists(names(entity_set) | LITERALS, max_size=3),
    )
    tree = st.recursive(
        chosen((4, comparison), (1, call)),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["and", "or", "eq"]), inner).map(" ".join),
            inner.map(lambda text: f"({text})"),
            inner.map(lambda text: f"not {text}"),
        ),
        max_leaves=4,
    )
    broken = st.tuples(tree, st.integers(0, 40), MARKS).map(
        lambda made: made[0][: made[1]] + made[2] + made[0][made[1] :]
    )
    deep = st.integers(1, 400).map(lambda depth: "(" * depth + f"{entity_set.key} ne null" + ")" * depth)
    long = st.integers(1, 300).map(lambda count: " or ".join([f"{entity_set.key} eq null"] * count))
    stamp = st.builds("Timestamp {} {}".format, st.sampled_from(OPERATORS), LITERALS)
    return chosen((6, comparison), (3, tree), (1, broken), (1, deep), (1, long), (2, stamp), (1, TEXT))


def queries(entity_set: EntitySet) -> st.SearchStrategy[str]:
    """Query strings."""
    listed = st.lists(names(entity_set), max_size=4).map(",".join)
    options = {
        "$filter": filters(entity_set),
        "$select": listed,
        "$expand": listed,
        "$orderby": st.lists(st.tuples(names(entity_set), st.sampled_from(["", "asc", "desc", "x"])).map(" ".join)).map(
            ",".join
        ),
        "$top": NUMBERS,
        "$skip": NUMBERS,
        "$skiptoken": LITERALS | NUMBERS.map(lambda number: f"{number}L"),
        "$inlinecount": st.sampled_from(["allpages", "none", "", "x"]),
        "$format": st.sampled_from(["json", "atom", ""]),
        "$nonsense": TEXT,
        "modified": LITERALS,
        "endPoint": st.sampled_from(["'QuotationHeaders'", "'Accounts'", "QuotationLines", ""]),
    }
    usual = st.sampled_from([{"$filter": f"{entity_set.key} ne null", "$select": entity_set.key}, {}])
    odd = st.sampled_from(["$filter"] * 8 + sorted(options))
    some = st.lists(odd, max_size=2, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: options[name] for name in names})
    )
    return st.tuples(usual, some).map(lambda made: _spelled(made[0] | made[1]))


def _spelled(options: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(text, safe='$(),/')}" for name, text in options.items())


def paths(entity_set: EntitySet, known: str) -> st.SearchStrategy[str]:
    """Addresses below a division."""
    bases = [entity_set.path, f"sync/{entity_set.sync_path}", "sync/Deleted", "read/sync/Sync/SyncTimestamp"]
    bases += [f"bulk/{entity_set.bulk_path}", "system/Divisions", entity_set.path.lower(), f"{entity_set.path}/"]
    literals = [f"(guid'{known}')", f"(guid'{GUID}')", f"({known})", "(5)", "()", "(guid'')", f"('{known}')", "(((", ""]
    tails = [
        "",
        "",
        "",
        "/$count",
        "/$metadata",
        "/$value",
        "/Name",
        "/BankAccounts",
        "/QuotationLines",
        "/%00",
        "/..%2f",
    ]
    return st.one_of(
        st.tuples(st.sampled_from(bases), st.sampled_from(literals), st.sampled_from(tails)).map("".join),
        st.text(max_size=10).map(lambda text: quote(text)),
    )


def values(prop: Property, references: dict[str, str]) -> st.SearchStrategy[Any]:
    """Values for a property: some that fit, some that nearly do."""
    fitting: dict[str, st.SearchStrategy[Any]] = {
        "String": TEXT | st.just("\ud800"),
        "Guid": st.sampled_from([*references.values(), GUID]),
        "Boolean": st.booleans(),
        "DateTime": st.datetimes().map(lambda moment: moment.isoformat())
        | st.sampled_from(
            ["/Date(1)/", "/Date(-99999999999999999)/", "0001-01-01", "02/30/2024 00:00:00", "2024-01-01Z"]
        ),
        "Double": st.floats() | NUMBERS,
        "Binary": st.sampled_from(["", "AAAA", "A", "===="]),
    }
    odd = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        TEXT,
        st.lists(st.none(), max_size=2),
        st.just({"results": [{}]}),
        st.just({"__deferred": {"uri": "x"}}),
    )
    fits = fitting.get(prop.type, st.integers(0, 300) | NUMBERS)
    return chosen((3, fits), (1, odd))


def bodies(entity_set: EntitySet, references: dict[str, str]) -> st.SearchStrategy[bytes]:
    """Bodies: objects of the set's properties with lines, or anything."""
    props = {name: values(prop, references) for name, prop in entity_set.properties.items() if not prop.is_collection}
    needed = {name: references[name] for name in entity_set.properties if name in references}
    if entity_set.lines is not None:
        lines: list[Any] = [
            [{"Item": references["Item"]}],
            [{}],
            [],
            {"results": [{"Item": references["Item"]}]},
            5,
            [[]],
        ]
        props[entity_set.lines] = st.sampled_from(lines)
        needed[entity_set.lines] = lines[0]
    # By type first: there are a hundred texts to one number.
    by_type: dict[str, list[str]] = {}
    for name in sorted(props):
        by_type.setdefault(entity_set.properties[name].type, []).append(name)
    one = st.one_of([st.sampled_from(found) for found in by_type.values()])
    some = st.lists(one, min_size=1, max_size=2, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: props[name] for name in chosen})
    )
    usual = {"Name": "x", "LastName": "x", "Code": "7", "Description": "x"}
    base = needed | {name: text for name, text in usual.items() if name in props}
    objects = st.tuples(st.sampled_from([base, base, base, {}]), some).map(lambda made: made[0] | made[1])
    sent = objects.map(lambda made: json.dumps(made).encode())
    anything = st.recursive(
        st.none() | st.booleans() | st.floats() | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=5,
    )
    broken = st.tuples(sent, st.integers(0, 80), st.binary(max_size=3)).map(
        lambda m: m[0][: m[1]] + m[2] + m[0][m[1] :]
    )
    surrogate = st.sampled_from([b'{"Name": "\\ud800"}', b'{"\\udfff": 1}', b"[" * 50_000, b'{"Name":NaN}'])
    odd = anything.map(lambda made: json.dumps(made).encode())
    return chosen((12, sent), (1, odd), (1, broken), (1, surrogate))


def odd_calls(keys: dict[str, str], references: dict[str, str], division: int) -> st.SearchStrategy[OddCall]:
    """Any odd call.

    Args:
        keys: a record's key per set.
        references: keys of records that may be referred to, by property.
        division: the administration.
    """
    # Drawing from strategies that are made once is many times faster than from those made for each call.
    return st.one_of(
        [_calls(SETS[name], key, references, str(division)) for name, key in keys.items()],
    )


def _calls(entity_set: EntitySet, key: str, references: dict[str, str], division: str) -> st.SearchStrategy[OddCall]:
    headers = st.tuples(
        st.fixed_dictionaries(
            {
                "Accept": st.sampled_from(["application/json"] * 3 + ["*/*"]),
                "Content-Type": st.sampled_from(["application/json"] * 12 + ["text/xml", ""]),
                "Host": st.sampled_from(["localhost"] * 12 + ["", "[::1", "a b", "\xe4.nl", "x" * 300]),
            }
        ),
        st.dictionaries(
            st.sampled_from(["Accept", "Prefer", "If-Match", "CustomDescriptionLanguage", "X-HTTP-Method", "Cookie"]),
            HEADER_VALUES,
            max_size=2,
        ),
    ).map(lambda made: made[0] | made[1])
    odd_paths, whole, one = paths(entity_set, key), entity_set.path, f"{entity_set.path}(guid'{key}')"
    places = st.sampled_from([division] * 40 + ["current", "0", "9" * 30, "x", ""])
    unasked, asked = st.just(""), queries(entity_set).map(lambda query: f"?{query}")

    def targets(right: list[str], query: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        path = chosen((9, st.sampled_from(right)), (1, odd_paths))
        parts = st.tuples(st.just("/api/v1"), places, path).map("/".join)
        return st.tuples(parts, query).map(lambda made: "".join(made).replace(" ", "%20"))

    sets = [whole, whole, one, f"sync/{entity_set.sync_path}", f"bulk/{entity_set.bulk_path}"]
    body = bodies(entity_set, references)
    reads = st.builds(OddCall, st.just("GET"), targets(sets, asked), headers)
    creates = st.builds(OddCall, st.just("POST"), targets([whole], unasked), headers, body)
    updates = st.builds(OddCall, st.just("PUT"), targets([one], unasked), headers, body)
    others = st.builds(
        OddCall, st.sampled_from(["DELETE", "PATCH", "HEAD"]), targets([one, whole], asked), headers, body
    )
    return chosen((5, reads), (4, creates), (3, updates), (1, others))
