"""The two forms of a batch, packed and in JSON rows, told apart by their first byte: what is stored may be either."""

from __future__ import annotations

from thalweg.wire import batch as packed
from thalweg.wire import json_batch
from thalweg.wire.batch import Batch, Header
from thalweg.wire.topics import Channel


def is_json(batch: bytes) -> bool:
    """Whether `batch` claims to be in JSON rows."""
    return batch[:1] == json_batch.FIRST_BYTE


def channel_of(batch: bytes) -> Channel:
    """The channel on which a batch of this form comes."""
    return Channel.EVENTS_JSON if is_json(batch) else Channel.EVENTS


def read_header(batch: bytes) -> Header:
    """What identifies `batch`; raises UnknownVersion or MalformedMessage. Proves nothing: `verify` does."""
    return json_batch.read_header(batch) if is_json(batch) else packed.read_header(batch)


def verify(batch: bytes, uplink_key: bytes) -> None:
    """Raise BadSignature unless `batch` ends with its authentication code under `uplink_key`."""
    json_batch.verify(batch, uplink_key) if is_json(batch) else packed.verify(batch, uplink_key)


def decode(batch: bytes) -> Batch:
    """Everything in `batch`; raises MalformedMessage or UnknownVersion. Does not verify the signature."""
    return json_batch.decode(batch) if is_json(batch) else packed.decode(batch)
