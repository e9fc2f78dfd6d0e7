"""Batches in JSON rows: the meaning of the packed form, and nothing that could be read in two ways."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import BadSignature, MalformedMessage, UnknownVersion, WireError
from thalweg.wire import authentication, forms, json_batch, json_rows, text
from thalweg.wire import batch as packed
from thalweg.wire.batch import BatchWriter, Event
from thalweg.wire.json_writer import JsonBatchWriter
from thalweg.wire.varint import SIGNED_LIMIT

KEY = bytes(range(32))
HEAD = '{"v":1,"key":1,"boot":7,"seq":0,"q":1,"at":1764000000123,"rows":'

words = st.text(max_size=63)
signed = st.integers(-SIGNED_LIMIT, SIGNED_LIMIT - 1)
values = st.one_of(signed, words)
usages = st.builds(
    Event,
    at_ms=st.integers(0, (1 << 62) - 1),
    kind=words,
    quantity=signed,
    attributes=st.dictionaries(words, values, max_size=16),
)
exchanges = st.builds(
    lambda at_ms, kind, to, attributes: Event(at_ms, kind, 1, True, {"to": to, **attributes}),
    st.integers(0, (1 << 62) - 1),
    words,
    words,
    st.dictionaries(words.filter(lambda name: name != "to"), values, max_size=15),
)


def signed_text(json: str) -> bytes:
    return text.sign("ej", json.encode(), KEY)


def rows(json: str) -> bytes:
    return signed_text(HEAD + json + "}")


def header(**changes: str | None) -> bytes:
    fields = {"v": "1", "key": "1", "boot": "7", "seq": "0", "q": "1", "at": "5", "rows": '[[0,"k",1]]', **changes}
    return signed_text("{" + ",".join(f'"{key}":{value}' for key, value in fields.items() if value is not None) + "}")


@given(st.lists(st.one_of(usages, exchanges), min_size=1, max_size=8), st.integers(0, 3), st.integers(0, 1 << 31))
def test_both_forms_say_the_same(events: list[Event], quality: int, first_seq: int) -> None:
    writers = BatchWriter(KEY, 7, first_seq=first_seq), JsonBatchWriter(KEY, 7, first_seq=first_seq)
    for _ in range(2):
        read = []
        for writer in writers:
            for event in events:
                writer.add(event)
            sealed = writer.seal(quality)
            forms.verify(sealed, KEY)
            read.append((forms.read_header(sealed)._replace(event_bytes=0), forms.decode(sealed).events))
        assert read[0] == read[1]
        assert [list(event.attributes) for event in read[0][1]] == [list(event.attributes) for event in read[1][1]]


def test_batches_of_a_boot_are_chained_like_packed_ones() -> None:
    writer = JsonBatchWriter(KEY, 7)
    previous = packed.FIRST_OF_BOOT
    for number in range(3):
        writer.add(Event(number, "k", 1))
        sealed = writer.seal()
        assert forms.decode(sealed).previous_digest == previous
        assert forms.read_header(sealed).first_seq == number
        previous = packed.digest(sealed)


def test_a_single_event_takes_less_than_two_hundred_bytes() -> None:
    writer = JsonBatchWriter(KEY, 0xFFFFFFFF)
    for number in range(2):
        writer.add(Event(1_764_000_000_123 + number, "charging.session", 6706, False, {"emsp": "volt-pass"}))
        assert len(writer.seal()) < 200


def test_whitespace_order_and_escapes_make_no_difference() -> None:
    plain = rows('[[0,"kä",1,{"a":"\\"x\\""}],[5,"kä",2]]')
    spaced = ' , "rows" :\n[ [ 0 , "k\\u00e4", 1, {"\\u0061" : "\\u0022x\\u0022"} ], [5,"kä",2] ], "v" : 1 }\r\n '
    other = signed_text('{"at":1764000000123, "q":1, "seq":0, "boot":7, "key":1' + spaced)
    assert forms.decode(other) == forms.decode(plain)
    assert json_rows.read_header(other) == json_rows.read_header(plain)


@pytest.mark.parametrize(
    ("json", "said"),
    [
        ('[[0,"k",1.5]]', "row 0: the quantity is no integer of 64 bits: 1.5"),
        ('[[0,"k",1.0]]', "no integer"),
        ('[[0,"k",1e3]]', "no integer"),
        ('[[0,"k",true]]', "no integer"),
        ('[[0,"k",null]]', "no integer"),
        ('[[0,"k","1"]]', "no integer"),
        ('[[0,"k",9223372036854775808]]', "no integer"),
        ('[[0,"k",-9223372036854775809]]', "no integer"),
        (f'[[0,"k",{"9" * 5000}]]', "no integer"),
        ('[[0.5,"k",1]]', "the time step"),
        ('[[0,"k",1],[-1764000000124,"k",1]]', "event 1 lies before time 0"),
        ("[[0,7,1]]", "the kind is no string"),
        ('[[0,"k",1,{"a":1.5}]]', "row 0: attribute 'a' is no integer"),
        ('[[0,"k",1,{"a":[1]}]]', "attribute 'a'"),
        ('[[0,"k",1,{"a":null}]]', "attribute 'a'"),
        ('[[0,"k",1,{"a":1,"a":1}]]', "row 0 names the attribute 'a' twice"),
        ('[[0,"k",1,[]]]', "the attributes are no object"),
        ('[[0,"k",1,null]]', "the attributes are no object"),
        ('[[0,"k",1,{},"city",1]]', "row 0 is not"),
        ('[[0,"k"]]', "row 0 is not"),
        ('[{"kind":"k"}]', "row 0 is not"),
        ('[[0,"k",1,{},null]]', "the receiver is no string"),
        ('[[0,"k",1,{"to":"city"},"city"]]', "names the attribute 'to' twice"),
        (f'[[0,"{"k" * 256}",1]]', "the kind has 256 bytes; the limit is 255"),
        (f'[[0,"k",1,{{"{"é" * 128}":1}}]]', "an attribute's name has 256 bytes"),
        (f'[[0,"k",1,{{"a":"{"é" * 128}"}}]]', "attribute 'a' has 256 bytes"),
        ('[[0,"k",1,{"a":"\\ud800"}]]', "half of a surrogate pair"),
        ('[[0,"k",1,{%s}]]' % ",".join(f'"a{n}":1' for n in range(17)), "17 attributes; the limit is 16"),  # noqa: UP031
        ('[[0,"k",1]],"prev":"00"', '"prev" is no digest'),
        (f'[[0,"k",1]],"prev":"{"A" * 32}"', '"prev" is no digest'),
        ('[[0,"k",1]],"unit":"Wh"', "unknown key 'unit'"),
        ('[[0,"k",1]],"boot":7', "the key 'boot' stands twice"),
    ],
)
def test_what_is_wrong_inside_is_said_and_the_header_can_be_read(json: str, said: str) -> None:
    message = rows(json)
    with pytest.raises(MalformedMessage) as refused:
        forms.decode(message)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 200
    assert forms.read_header(message).boot == json_rows.read_header(message).boot == 7


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (header(rows="[]"), '"rows"'),
        (header(rows="{}"), '"rows"'),
        (header(rows=None), '"rows"'),
        (header(boot="4294967296"), '"boot" is no integer from 0 to 4294967295'),
        (header(boot="-1"), '"boot"'),
        (header(boot="1.0"), '"boot"'),
        (header(boot=None), '"boot"'),
        (header(seq="true"), '"seq"'),
        (header(seq="4294967295", rows='[[0,"k",1],[0,"k",1]]'), "exceeds 32 bits"),
        (header(q="4"), '"q"'),
        (header(at="9223372036854775808"), '"at"'),
        (header(key="256"), '"key"'),
        (header(v='"1"'), '"v"'),
        (header(at="NaN"), "not JSON"),
        (header(at="01"), "not JSON"),
        (header(rows="[[0,'k',1]]"), "not JSON"),
        (header(rows='[[[["k"]]]]').replace(b'"k"', b"[" * 9000 + b"]" * 9000), "nested deeper"),
        (header(rows='[[0,"k",1]]').replace(b'"k"', b'"\xff"'), "not UTF-8"),
        (header(rows='[%s[0,"k",1]]' % ('[0,"k",1],' * 6554)), "has at most 65535"),
        (signed_text("[]"), "begins with {"),
        (signed_text(" {}"), "begins with {"),
        (b"{}", "no signed text"),
        (b"{", "no signed text"),
        (b"", "no signed text"),
    ],
)
def test_a_text_without_a_readable_header_is_refused(message: bytes, said: str) -> None:
    for read in (json_batch.read_header, json_batch.decode, json_rows.read_header):
        with pytest.raises(MalformedMessage) as refused:
            read(message)
        assert said in str(refused.value)


def test_another_version_is_told_apart() -> None:
    for read in (json_batch.read_header, json_batch.decode, json_rows.read_header):
        with pytest.raises(UnknownVersion):
            read(header(v="2"))


def accept(message: bytes) -> None:
    json_rows.read_header(message)
    json_batch.verify(message, KEY)


def test_a_changed_byte_anywhere_is_refused() -> None:
    batch = rows('[[0,"k",1,{"a":"ö"},"city"]]')
    accept(batch)
    for position in range(len(batch)):
        for mask in (1, 2, 32, 64, 255):
            changed = bytearray(batch)
            changed[position] ^= mask
            with pytest.raises(WireError):
                accept(bytes(changed))


def test_a_text_of_another_channel_proves_nothing() -> None:
    message = text.sign("s", rows('[[0,"k",1]]')[:-33], KEY)
    with pytest.raises(BadSignature):
        json_batch.verify(message, KEY)


@given(st.text(max_size=80), st.binary(max_size=40))
def test_no_text_and_no_bytes_break_the_readers(written: str, raw: bytes) -> None:
    for message in (signed_text(HEAD + written), signed_text("{" + written), b"{" + raw, rows(f"[[0,{written}]]")):
        outcomes: list[Any] = []
        for read in (json_batch.read_header, json_rows.read_header):
            try:
                outcomes.append(read(message))
            except WireError as error:
                outcomes.append((type(error), str(error)))
        assert outcomes[0] == outcomes[1]


def test_what_the_format_cannot_carry_is_not_written() -> None:
    writer = JsonBatchWriter(KEY, 7)
    with pytest.raises(ValueError, match="nothing to seal"):
        writer.seal()
    writer.add(Event(1, "occupancy", 1, True, {}))
    with pytest.raises(ValueError, match="receiver"):
        writer.seal()


@given(st.binary(max_size=200), st.binary(max_size=300), st.binary(max_size=9))
def test_the_authentication_code_is_the_hmac_of_the_standard_library(
    key: bytes, message: bytes, purpose: bytes
) -> None:
    expected = hmac.digest(key, purpose + message, "sha256")[:16]
    assert authentication.code(key, message, purpose) == expected
