from __future__ import annotations

import csv
import io
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import InvalidProfile, ProfileError, UnreadableRecord
from thalweg.profiles import Found, Reader, Refused, load, profile_hash, shipped
from thalweg.profiles.document import Format
from thalweg.profiles.records import payload_of, rows
from thalweg.profiles.shipped import profile
from thalweg.wire.batch import Event

NOW_MS = 1_790_000_000_000


def reader(**changes: object) -> Reader:
    """A reader of a small CSV profile."""
    event = {
        "kind": "energy",
        "at": {"from": "at", "format": "unix_ms"},
        "quantity": {"from": "kwh", "unit": "kWh"},
        "identity": {"by": ["id"], "within": "profile"},
    }
    document = {"id": "test", "version": 1, "name": "Test", "format": "csv", "device": "who"}
    event |= {key.removeprefix("event_"): value for key, value in changes.items() if key.startswith("event_")}
    document |= {key: value for key, value in changes.items() if not key.startswith("event_")}
    return Reader(load(yaml.safe_dump(document | {"events": [event]})))


ROW = {"who": "Pump 1", "at": "1000", "kwh": "1.5", "id": "a"}


def only(reading):
    (found,) = reading
    return found


def test_a_row_becomes_an_event():
    found = only(reader(event_attributes={"site": {"from": "who", "as": "id"}, "n": {"const": 3}}).read(ROW, NOW_MS))
    assert found == Found("pump-1", Event(1000, "energy", 1500, False, {"site": "pump-1", "n": 3}), "0\x1f\x1fa")


def test_an_identity_within_a_device_names_the_device():
    found = only(reader(event_identity={"by": ["id"]}).read(ROW, NOW_MS))
    assert found.identity == "0\x1fpump-1\x1fa"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kwh": "x"}, "bad_number"),
        ({"kwh": "0.0005"}, "inexact"),
        ({"kwh": " ", "at": ""}, "missing"),
        ({"at": "noon"}, "bad_number"),
        ({"at": "-1"}, "bad_time"),
        ({"who": "???"}, "bad_id"),
        ({"who": ""}, "missing"),
        ({"id": ""}, "missing"),
    ],
)
def test_a_row_that_gives_no_event_says_why(change, reason):
    refused = only(reader().read(ROW | change, NOW_MS))
    assert isinstance(refused, Refused)
    assert refused.reason == reason


def test_everything_that_is_missing_is_named_at_once_and_the_identity_is_kept():
    refused = only(reader().read(ROW | {"kwh": "", "at": ""}, NOW_MS))
    assert refused == Refused("missing", "it does not say: time, quantity", "pump-1", "0\x1f\x1fa")


def test_demands_and_conditions_decide_what_is_read():
    picky = reader(
        event_where="row.kwh != '0'",
        event_demands=[{"that": "row.id.startsWith('a')", "reason": "foreign_id"}],
        ignore="row.who == 'Test'",
    )
    assert only(picky.read(ROW | {"kwh": "0"}, NOW_MS)).reason == "no_event"
    assert only(picky.read(ROW | {"id": "b"}, NOW_MS)).reason == "foreign_id"
    assert picky.read(ROW | {"who": "Test"}, NOW_MS) == ()
    assert isinstance(only(picky.read(ROW, NOW_MS)), Found)


def test_what_an_expression_cannot_answer_is_a_reason():
    assert only(reader(event_where="row.colour == 'red'").read(ROW, NOW_MS)).reason == "expression"
    assert only(reader(event_where="row.kwh").read(ROW, NOW_MS)).reason == "expression"


def test_optional_attributes_may_be_missing():
    optional = reader(event_attributes={"tag": {"from": "tag", "optional": True}})
    assert only(optional.read(ROW, NOW_MS)).event.attributes == {}
    assert only(optional.read(ROW | {"tag": "x"}, NOW_MS)).event.attributes == {"tag": "x"}


def test_a_receiver_makes_a_data_exchange():
    found = only(reader(event_to={"const": "city"}).read(ROW, NOW_MS))
    assert found.event.is_exchange
    assert found.event.attributes == {"to": "city"}


def test_the_time_of_receipt_is_marked_as_such():
    found = only(reader(event_at="received").read(ROW, NOW_MS))
    assert (found.event.at_ms, found.has_own_time) == (NOW_MS, False)


def test_units_may_come_with_the_record():
    by_row = reader(event_quantity={"from": "kwh", "unit_from": "unit", "unit": "Wh", "round": "half_even"})
    assert only(by_row.read(ROW | {"unit": "kWh"}, NOW_MS)).event.quantity == 1500
    assert only(by_row.read(ROW | {"unit": ""}, NOW_MS)).event.quantity == 2
    assert only(by_row.read(ROW | {"unit": "J"}, NOW_MS)).reason == "unknown_unit"


def test_loops_go_through_arrays_and_objects_within_each_other():
    nested = reader(
        format="json",
        device="who",
        event_each={"meter": "meters", "sample": "meter.value"},
        event_where="sample.unit != 'V'",
        event_quantity="sample.v",
        event_attributes={"meter": "meter.key"},
        event_identity={"by": ["meter.key", "sample.v"]},
        event_at="received",
    )
    payload = {
        "who": "x",
        "meters": {"a": [{"v": 1, "unit": "Wh"}, {"v": 230, "unit": "V"}], "b": [{"v": 2, "unit": "Wh"}]},
    }
    found = nested.read(payload, NOW_MS)
    assert [(each.event.attributes["meter"], each.event.quantity) for each in found] == [("a", 1), ("b", 2)]
    assert only(nested.read({"who": "x", "meters": 3}, NOW_MS)).reason == "malformed"
    assert only(nested.read({"who": "x"}, NOW_MS)).reason == "no_event"


def test_records_without_an_event_can_be_meant_for_others():
    assert reader(event_where="row.id == 'b'", without_event="ignore").read(ROW, NOW_MS) == ()


def test_one_bad_item_leaves_the_others():
    looping = reader(
        format="json", event_each={"v": "vs"}, event_quantity="v.n", event_at="received", event_identity=None
    )
    kinds = [type(each) for each in looping.read({"who": "x", "vs": [{"n": 1}, {"n": "?"}, {"n": 3}]}, NOW_MS)]
    assert kinds == [Found, Refused, Found]


def test_numbers_with_a_fraction_reach_expressions_as_text_and_fields_exactly():
    raw = b'{"who":"x","at":1,"kwh":0.10000000000000055,"id":12345678901234567890123}'
    payload = payload_of(raw, Format.JSON)
    exact = reader(format="json", event_quantity={"from": "kwh", "times": "100000000000000000"})
    assert only(exact.read(payload, NOW_MS)).event.quantity == 10000000000000055
    by_text = reader(format="json", event_where="payload.kwh == '0.10000000000000055'", event_quantity={"const": 1})
    assert only(by_text.read(payload, NOW_MS)).identity == "0\x1f\x1f12345678901234567890123"


NO_JSON = [b"{", b'{"a":NaN}', b"\xff", b"[" * 40 + b"]" * 40, b'{"a":{"b":["\\ud800"]}}', b'{"a\\u0000":1}']


@pytest.mark.parametrize("raw", NO_JSON)
def test_what_is_no_json_is_malformed(raw):
    with pytest.raises(UnreadableRecord) as problem:
        payload_of(raw, Format.JSON)
    assert problem.value.reason == "malformed"


def test_a_file_without_a_column_or_of_another_delimiter_is_refused_with_its_heading():
    own = reader()
    with pytest.raises(ProfileError, match="no column 'who', 'at', 'kwh', 'id'; it has 'who;at'"):
        list(rows(["who;at", "a;b"], own.profile.csv, own.columns))


def test_rows_of_another_length_than_the_heading_are_told():
    own = reader()
    lines = ["who,at,kwh,id\n", "a,1,2,3,4\n", "a,1\n", '"a\n",1,2,3\n']
    assert [row.problem and row.problem[:11] for row in rows(lines, own.profile.csv, own.columns)] == [
        "it has more",
        "it has fewe",
        None,
    ]


@given(
    st.lists(
        st.fixed_dictionaries({key: st.text(st.characters(codec="utf-8"), max_size=12) for key in ROW}), max_size=8
    )
)
def test_every_row_of_any_file_is_an_event_or_a_reason(records):
    file = io.StringIO()
    table = csv.DictWriter(file, list(ROW))
    table.writeheader()
    table.writerows(records)
    own = reader()
    file.seek(0)
    readings = [own.read(row.cells, NOW_MS) for row in rows(file, own.profile.csv, own.columns)]
    assert all(len(reading) == 1 for reading in readings)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(
    json_values, st.sampled_from([name for name in shipped.names() if profile(name).format is not Format.CSV] or [None])
)
def test_no_payload_is_more_than_events_or_reasons(payload, name):
    own = Reader(profile(name)) if name else reader(format="json")
    for each in own.read(payload, NOW_MS, None):
        assert isinstance(each, Found | Refused)


def problems_of(text: str) -> str:
    with pytest.raises(InvalidProfile) as problem:
        load(text)
    return str(problem.value)


def test_a_document_is_refused_with_all_its_problems():
    said = problems_of("id: X\nversion: 0\nformat: xml\ncolour: red\ndevice: a\nevents: []\n")
    for part in ("id", "version", "name: it is missing", "format", "colour: unknown key", "events"):
        assert part in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"event_where": "row.a +"}, "does not parse"),
        ({"event_where": "payload.a == 1"}, "it uses payload"),
        ({"event_quantity": {"from": "kwh", "unit": "furlong"}}, "unknown unit"),
        ({"event_quantity": {"from": "kwh", "currency": "XXX"}}, "unknown currency"),
        ({"event_at": {"from": "at", "zone": "Mars/Olympus"}}, "unknown time zone"),
        ({"event_quantity": {"from": "kwh", "cel": "1"}}, "exactly one"),
        ({"device": {"topic": "device"}}, "no level 'device'"),
        ({"format": "json", "device": "a..b"}, "no path"),
        ({"event_counter": {"name": "id"}}, "no identity"),
        ({"event_kind": "Energy!"}, "kind"),
        ({"topic": "a/#/b"}, "level"),
    ],
)
def test_what_cannot_work_is_found_when_the_profile_is_loaded(change, said):
    with pytest.raises(InvalidProfile) as problem:
        reader(**change)
    assert said in str(problem.value)


def test_the_hash_of_a_profile_does_not_depend_on_layout_or_short_forms():
    one, other = reader().profile, reader(device={"from": "who"}).profile
    assert profile_hash(one) == profile_hash(other)
    assert profile_hash(one) != profile_hash(reader(version=2).profile)


def test_every_shipped_profile_loads_and_is_named_as_it_calls_itself():
    assert {"boulder-sessions", "sap-sessions"} <= set(shipped.names())
    for name in shipped.names():
        assert profile(name).id == name
    with pytest.raises(KeyError, match="there are"):
        profile("nothing")


def test_a_profile_can_be_written_and_read_again():
    for name in shipped.names():
        own = profile(name)
        assert load(json.dumps(own.model_dump(mode="json", exclude_defaults=True))) == own


def test_a_profile_says_who_measured_itself_or_has_every_event_say_so():
    event = {"kind": "a", "each": {"part": "$"}, "device": "part.who"}
    document = {"id": "test", "version": 1, "name": "Test", "format": "json"}
    found = Reader(load(yaml.safe_dump(document | {"events": [event]}))).read(
        [{"who": "A 1"}, {}, {"who": "b"}], NOW_MS
    )
    assert [each.device for each in found] == ["a-1", None, "b"]
    assert isinstance(found[1], Refused)
    with pytest.raises(InvalidProfile, match="give `device`, of the profile or of every event"):
        load(yaml.safe_dump(document | {"events": [event, {"kind": "b"}]}))
