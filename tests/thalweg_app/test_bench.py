"""The benchmark's own parts, and one short run of it: what it says is counted, and speed is not judged here."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from thalweg.errors import BadSignature
from thalweg.wire.forms import channel_of, decode, verify
from thalweg.wire.keys import DeviceKeys
from thalweg.wire.text import seal
from thalweg_app.bench.figures import Figure, Yardstick, as_table
from thalweg_app.bench.load import _quantile
from thalweg_app.bench.sessions import Connection, packet, receipted_seq
from thalweg_app.bench.stored import Sums, kept
from thalweg_app.bench.workload import Device, sealed_batches
from thalweg_app.commands import app

KEY = bytes(range(32))
KEYS = DeviceKeys(uplink=KEY, downlink=KEY[::-1])


def figure(**settings: Any) -> Figure:
    return Figure(**{"name": "n", "value": 10.0, "unit": "u", "bar": 10, "better": "higher"} | settings)


def test_a_figure_is_ok_when_it_reaches_its_bar_in_its_direction():
    assert figure().ok
    assert figure(better="lower").ok
    assert not figure(value=9.9).ok
    assert not figure(value=10.1, better="lower").ok
    assert figure(bar=None).ok


def test_a_figure_has_the_common_form():
    assert figure(yardstick=Yardstick("y", 2.0)).as_json("a machine") == {
        "name": "n",
        "value": 10.0,
        "unit": "u",
        "bar": 10,
        "better": "higher",
        "yardstick": {"name": "y", "value": 2.0},
        "ok": True,
        "machine": "a machine",
    }


def test_the_table_says_what_falls_short():
    assert ["short" in line for line in as_table([figure(value=1), figure(value=11)]).splitlines()] == [True, False]


@pytest.mark.parametrize("channel", ["e", "ej"])
def test_the_messages_are_real_batches_in_order_and_end_before_the_given_time(channel):
    device = Device("bench-000", "", KEYS)
    batches = sealed_batches(device, boot=9, events=5, batches=3, end_ms=10**12, channel=channel)
    assert batches == sealed_batches(device, boot=9, events=5, batches=3, end_ms=10**12, channel=channel)
    next_seq = 0
    for batch in batches:
        verify(batch.payload, KEY)
        assert channel_of(batch.payload) == channel
        decoded = decode(batch.payload)
        assert (decoded.header.first_seq, decoded.header.end_seq) == (next_seq, batch.end_seq)
        assert all(event.at_ms <= 10**12 for event in decoded.events)
        next_seq = batch.end_seq


@given(st.lists(st.tuples(st.sampled_from([0x30, 0x40]), st.binary(max_size=400)), max_size=6), st.integers(1, 300))
def test_packets_are_read_whole_in_whatever_portions_they_come(packets, size):
    stream = b"".join(packet(first, body) for first, body in packets)
    ours, theirs = socket.socketpair()
    connection = Connection.__new__(Connection)
    connection.socket, connection._rest = ours, b""
    read = []
    with ours, theirs:
        for at in range(0, len(stream), size):
            theirs.sendall(stream[at : at + size])
            read += connection.receive()
    assert read == packets


def test_a_receipt_is_read_for_its_boot_and_next_seq():
    body = seal("a", {"epoch": "e", "boot": 7, "next": 42}, KEYS.downlink)
    assert receipted_seq(b"\x00\x03a/b" + body, KEYS.downlink) == (7, 42)


def test_a_receipt_that_the_gateway_did_not_sign_is_none():
    body = seal("a", {"epoch": "e", "boot": 7, "next": 42}, KEYS.uplink)
    with pytest.raises(BadSignature):
        receipted_seq(b"\x00\x03a/b" + body, KEYS.downlink)


@pytest.mark.parametrize(
    ("lost", "found", "fates"),
    [
        (0, Sums(10, 5000), (0, 0)),
        (2, Sums(8, 4000), (2, 0)),
        (0, Sums(8, 4000), (2, 0)),
        (0, Sums(11, 5500), (0, 1)),
        (0, Sums(10, 5100), (1, 1)),
    ],
    ids=["all there", "lost on the way", "missing in the sums", "doubled", "as many doubled as lost"],
)
def test_the_sums_tell_what_was_lost_and_what_was_doubled(lost, found, fates):
    assert kept(lost, Sums(10, 5000), found) == fates


def test_a_quantile_is_a_value_that_so_many_do_not_exceed():
    assert [_quantile(range(1, 101), percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert (_quantile([5], 1), _quantile([], 99)) == (5, None)


def test_a_benchmark_refuses_to_write_into_a_real_database(monkeypatch):
    monkeypatch.setenv("THALWEG_DATABASE_URL", "postgresql://somewhere")
    result = CliRunner().invoke(app, ["bench", "ingest"])
    assert result.exit_code == 2
    assert "THALWEG_DATABASE_URL" in result.output


@pytest.mark.slow
def test_a_short_run_counts_every_acknowledged_event(monkeypatch):
    for variable in ("THALWEG_DATABASE_URL", "THALWEG_NATS_URL", "THALWEG_MQTT_URL"):
        monkeypatch.delenv(variable, raising=False)
    result = CliRunner().invoke(app, ["bench", "ingest", "--case", "full", "--seconds", "1", "--json"])
    assert result.exit_code in (0, 1), result.output
    figures = {each["name"]: each for each in json.loads(result.stdout)}
    lost, doubled = (figures[f"full batches, 450 events: {fate}"] for fate in ("lost", "doubled"))
    assert (lost["value"], doubled["value"]) == (0, 0)
    assert lost["yardstick"]["value"] > 200_000
    assert figures["full batches, 450 events: committed and receipted"]["value"] > 0
