"""The fuzz run: its parts, and one short run in which every message is accounted for."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import BadSignature, WireError
from thalweg.wire import forms
from thalweg.wire.text import open_sealed
from thalweg.wire.topics import Channel, parse
from thalweg_app.fuzz.broker import BrokerReport
from thalweg_app.fuzz.damage import SELDOM, STRATEGIES
from thalweg_app.fuzz.ledger import Account
from thalweg_app.fuzz.messages import Messages
from thalweg_app.fuzz.odd_texts import odd_text
from thalweg_app.fuzz.odd_topics import odd_topic
from thalweg_app.fuzz.senders import Sender
from thalweg_app.fuzz.soak import Crash, Report
from thalweg_app.fuzz.valid import Device

NOW_MS = 1_790_000_000_000
SENDERS = [Sender("cp-00", (bytes(range(32)),)), Sender("rotated", (bytes(range(32)), bytes(range(1, 33))))]
BODY = {"state": "on", "boot": 7, "next": 3}


def account(**more: int) -> Account:
    settings = {"duplicates": 1, "states": 2, "quarantined": 1, "quarantined_again": 1}
    events = {"events_received": 9, "events_tallied": 9}
    new, rejected = {"booked": 2, "conflict": 1}, {"malformed": 2}
    return Account(new=new, rejected=rejected, refused_within={"conflict": 1}, **(settings | events | more))


def report(found: Account, **more: object) -> Report:
    rss = {"before": 100_000_000, "after": 110_000_000, "peak": 120_000_000}
    whole = Report(
        seed=1,
        messages=10,
        acknowledged=10,
        strategies={},
        account=found,
        crashes=[],
        receipts=0,
        log_lines=0,
        log_failures=0,
        seconds=1.0,
        processor_seconds=1.0,
        rss_bytes=rss,
    )
    return replace(whole, **more)


def test_the_same_seed_sends_the_same_messages_and_another_seed_others():
    first, again, other = (Messages(SENDERS, seed) for seed in (3, 3, 4))
    stream = [first.next(NOW_MS + step) for step in range(300)]
    assert stream == [again.next(NOW_MS + step) for step in range(300)]
    assert stream != [other.next(NOW_MS + step) for step in range(300)]


def test_the_stream_holds_valid_messages_and_each_kind_of_damage_signed_and_not():
    messages = Messages(SENDERS, 1)
    seen = {messages.next(NOW_MS + step).strategy for step in range(20_000)}
    damaged = {*STRATEGIES, *(f"{name}_and_signed" for name in STRATEGIES)}
    assert seen >= {"valid", "sent_again", "odd_topic", "odd_text", *damaged}


@pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
def test_a_device_sends_what_verifies_under_its_own_key(sender: Sender):
    device = Device(sender, random.Random(5))  # noqa: S311 - reproducible, no secret
    for step in range(60):
        sample = device.batch(NOW_MS + step)
        header = forms.read_header(sample.payload)
        forms.verify(sample.payload, sender.uplink_keys[header.key_version - 1])
        state = device.state(NOW_MS + step)
        assert open_sealed(Channel.STATE, state.payload, sender.uplink_keys[-1])["boot"] == device.boot


@given(
    st.sampled_from([*STRATEGIES.values(), *SELDOM.values()]),
    st.binary(max_size=200),
    st.binary(max_size=200),
    st.randoms(),
)
def test_whatever_is_damaged_can_be_signed(strategy, message, other, chance):
    damaged = strategy(chance, message, other)
    signed = SENDERS[0].sign_batch(damaged)
    try:
        forms.verify(signed, SENDERS[0].uplink_keys[0])
    except BadSignature:
        assert len(damaged) < 16 or damaged[:1] == b"{"
    sealed = SENDERS[0].sign_text(Channel.STATE, damaged)
    try:
        open_sealed(Channel.STATE, sealed, SENDERS[0].uplink_keys[0])
    except BadSignature:
        pytest.fail("the text does not verify")
    except WireError:
        pass


@given(st.randoms())
def test_an_odd_topic_is_not_the_topic_that_it_comes_from_or_a_device_s_all_the_same(chance):
    topic = "tw1/ev-charging/cp-00/e"
    odd = odd_topic(chance, topic)
    try:
        assert parse(odd).channel in Channel
    except WireError:
        assert odd != topic


@given(st.randoms())
def test_an_odd_text_is_made_of_any_body(chance):
    assert isinstance(odd_text(chance, BODY), bytes)


def test_all_is_well_only_when_every_message_and_every_event_is_accounted_for():
    assert report(account()).is_ok
    assert report(account()).unaccounted == 0
    assert not report(account(duplicates=0)).is_ok
    assert report(account(duplicates=0)).unaccounted == 1
    assert not report(account(events_tallied=8)).is_ok
    assert not report(account(), acknowledged=9).is_ok
    assert report(account(), broker=BrokerReport(10, account())).is_ok
    assert not report(account(), broker=BrokerReport(11, account())).is_ok


def test_a_crash_or_growing_memory_or_a_lost_log_line_is_not_well():
    crash = Crash(error="E", where="x.py:1 f", count=1, topic="''", payload_hex="")
    assert not report(account(), crashes=[crash]).is_ok
    assert not report(account(), log_failures=1).is_ok
    assert not report(account(), rss_bytes={"before": 100, "after": 110, "peak": 300_000_001}).is_ok
    assert not report(account(), rss_bytes={"before": 100, "after": 50_000_101, "peak": 50_000_101}).is_ok


@pytest.mark.slow
def test_a_short_run_accounts_for_every_message():
    command = [
        sys.executable,
        "-m",
        "thalweg_app.main",
        "fuzz",
        "--seed",
        "11",
        "--messages",
        "8000",
        "--broker",
        "500",
    ]
    result = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)  # its memory is judged
    assert result.returncode == 0, result.stdout + result.stderr
    found = json.loads(result.stdout)
    assert (found["accounted"], found["unaccounted"], found["crashes"]) == (8_000, 0, [])
    assert found["acknowledged"] == 8_000
    assert (found["broker"]["messages"], found["broker_unaccounted"]) == (500, 0)
    assert all(found["account"]["new"][outcome] for outcome in ("booked", "parked", "conflict", "undecodable"))
    assert {"malformed", "bad_signature", "unknown_device", "unknown_ecosystem"} <= set(found["account"]["rejected"])
    assert "refused_by_store" not in found["account"]["rejected"]
    assert found["account"]["quarantined"]
