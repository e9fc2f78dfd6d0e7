"""Codes made many at a time are the codes of the standard library."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import BadSignature
from thalweg.wire import authentication, batch, text
from thalweg.wire.batch import BatchWriter, Event


def accepts(verify: Callable[[bytes, bytes], None], message: bytes, key: bytes) -> bool:
    try:
        verify(message, key)
    except BadSignature:
        return False
    return True


@given(key=st.binary(max_size=64), purpose=st.binary(max_size=8), messages=st.lists(st.binary(max_size=200)))
def test_a_code_depends_on_key_purpose_and_message_only(key, purpose, messages):
    codes = authentication.Codes(key, purpose)
    for message in messages:
        expected = hmac.new(key, purpose + message, hashlib.sha256).digest()[: authentication.CODE_BYTES]
        assert codes.of(message) == authentication.code(key, message, purpose) == expected


def test_a_key_that_would_have_to_be_hashed_first_is_refused():
    with pytest.raises(ValueError, match="65 bytes"):
        authentication.Codes(bytes(65))


@given(key=st.binary(min_size=32, max_size=32), place=st.integers(0, 200), mask=st.integers(0, 255))
def test_whoever_checks_many_batches_accepts_what_verify_accepts(key, place, mask):
    writer = BatchWriter(key, 1)
    writer.add(Event(1_000, "k", 1, False, {"a": "x"}))
    sealed = bytearray(writer.seal())
    sealed[place % len(sealed)] ^= mask
    assert batch.checker(key)(bytes(sealed)) == accepts(batch.verify, bytes(sealed), key) == (mask == 0)


@given(key=st.binary(min_size=32, max_size=32), place=st.integers(0, 200), mask=st.integers(0, 255))
def test_whoever_checks_many_texts_accepts_what_verify_accepts(key, place, mask):
    sealed = bytearray(text.seal("ej", {"boot": 1}, key))
    sealed[place % len(sealed)] ^= mask
    assert text.checker("ej", key)(bytes(sealed)) == accepts(partial(text.verify, "ej"), bytes(sealed), key)
    assert not text.checker("s", key)(text.seal("ej", {"boot": 1}, key)), "a message of another channel"


def test_what_is_too_short_for_a_code_is_not_accepted():
    for short in (b"", b"x", bytes(15)):
        assert not batch.checker(bytes(32))(short)
        assert not text.checker("ej", bytes(32))(short)
