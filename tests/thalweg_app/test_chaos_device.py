"""What a device of the chaos run sends, holds and sends again; no servers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thalweg.errors import BadSignature, WireError
from thalweg.wire.batch import decode, read_header, verify
from thalweg.wire.keys import DeviceKeys
from thalweg.wire.messages import Receipt
from thalweg.wire.text import seal
from thalweg_app.bench.workload import Device
from thalweg_app.chaos.device import PATIENCE_SECONDS, DeviceState
from thalweg_app.chaos.workload import MAX_COPIES, MAX_EVENTS, Sort, outgoing

NOW_MS = 1_790_000_000_000
DEVICE = Device("chaos-000", "", DeviceKeys(uplink=bytes(range(32)), downlink=bytes(range(1, 33))))
DOWNLINK = DEVICE.keys.downlink
MADE = outgoing(DEVICE, 7, 3_000, NOW_MS, at_least=2)
ON = b'{"state":"on","instance":"one"}'


def device(*, is_deaf: bool = False) -> DeviceState:
    state = DeviceState(MADE, DOWNLINK, "7", is_deaf=is_deaf)
    state.take_gateway_state(ON, 0)
    return state


def send_all(state: DeviceState) -> list[int]:
    """Everything that it wants to send now, acknowledged by the broker."""
    sent = []
    while (number := state.next_again()) is not None or state.planned:
        if number is None:
            number = state.next_planned()
        state.records[number].sent += 1
        state.acknowledged(number)
        sent.append(number)
    return sent


def receipt(boot: int, next_seq: int, *, epoch: str = "e", beyond: tuple[tuple[int, int], ...] = ()) -> bytes:
    return seal("a", Receipt(epoch, boot, next_seq, beyond, 0, NOW_MS).body(), DOWNLINK)


def ends() -> dict[int, int]:
    return {each.boot: each.end_seq for each in MADE.originals}


def test_a_workload_is_the_same_for_the_same_seed_and_another_for_another():
    assert outgoing(DEVICE, 7, 3_000, NOW_MS, at_least=2) == MADE
    assert outgoing(DEVICE, 8, 3_000, NOW_MS, at_least=2) != MADE


def test_originals_are_signed_batches_that_number_every_event_once_and_lie_in_the_past():
    next_seq = dict.fromkeys(ends(), 0)
    for each in MADE.originals:
        verify(each.payload, DEVICE.keys.uplink)
        header = read_header(each.payload)
        assert (header.boot, header.first_seq) == (each.boot, next_seq[each.boot])
        assert 1 <= header.count <= MAX_EVENTS
        assert all(event.at_ms < NOW_MS for event in decode(each.payload).events)
        assert sum(number for _, number in each.sums.values()) == header.count
        next_seq[each.boot] = header.end_seq
    assert sum(next_seq.values()) == 3_000


def test_each_original_is_planned_one_to_five_times_and_not_in_order():
    copies = [MADE.order.count(place) for place in range(len(MADE.originals))]
    assert (min(copies), max(copies)) == (1, MAX_COPIES)
    assert MADE.order != sorted(MADE.order)


def test_a_rival_is_authentic_and_has_other_content_for_the_same_seqs():
    for place, rival in MADE.rivals.items():
        original = MADE.originals[place]
        verify(rival.payload, DEVICE.keys.uplink)
        assert (rival.boot, rival.first_seq, rival.end_seq) == (original.boot, original.first_seq, original.end_seq)
        assert rival.digest != original.digest


def test_a_corrupt_message_is_refused():
    assert MADE.corrupt
    for each in MADE.corrupt:
        with pytest.raises(WireError):
            _open(each.payload)


def _open(payload: bytes) -> None:
    read_header(payload)
    if payload[1] != 1:
        raise BadSignature("another key version")
    verify(payload, DEVICE.keys.uplink)


def test_a_device_sends_only_while_the_gateway_is_on_unless_it_is_deaf():
    obedient, deaf = device(), device(is_deaf=True)
    for state in (obedient, deaf):
        state.take_gateway_state(b'{"state":"off"}', 1)
    assert (obedient.may_send, deaf.may_send) == (False, True)
    obedient.take_gateway_state(ON, 2)
    assert obedient.may_send
    obedient.connected()
    assert not obedient.may_send


def test_a_broker_acknowledgement_covers_nothing_and_a_receipt_does():
    state = device()
    send_all(state)
    assert not state.is_done
    for boot, end in ends().items():
        state.take_receipt(receipt(boot, end), 1)
    send_all(state)  # the rivals, which come after their originals
    assert state.is_done


def test_a_rival_is_not_sent_before_a_receipt_covers_its_original():
    state = device()
    assert all(state.records[number].message.sort is not Sort.RIVAL for number in send_all(state))
    for boot, end in ends().items():
        state.take_receipt(receipt(boot, end), 1)
    again = send_all(state)
    assert {state.records[number].message.sort for number in again} == {Sort.RIVAL}
    assert len(set(again)) == len(MADE.rivals)


def test_a_receipt_with_a_wrong_code_covers_nothing_and_is_counted():
    state = device()
    send_all(state)
    forged = bytearray(receipt(*next(iter(ends().items()))))
    forged[5] ^= 1
    state.take_receipt(bytes(forged), 1)
    assert (state.forged, state.receipts) == (1, 0)
    assert not any(record.is_covered for record in state.records)


@pytest.mark.parametrize("change", [{"epoch": "another"}, {"next_seq": 0}])
def test_a_new_epoch_and_a_step_back_make_it_send_again_all_that_it_holds(change):
    state = device()
    send_all(state)
    for boot, end in ends().items():
        state.take_receipt(receipt(boot, end), 1)
    send_all(state)
    boot = next(iter(ends()))
    state.take_receipt(receipt(**{"boot": boot, "next_seq": 0} | change), 2)
    again = {number for number in send_all(state) if state.records[number].message.sort is not Sort.RIVAL}
    assert again == {number for number, each in enumerate(state.records) if each.message.sort is not Sort.RIVAL}
    assert all(record.was_receipted for record in state.records if record.message.sort is Sort.ORIGINAL)


def test_another_gateway_gets_again_what_no_receipt_covers_and_the_same_one_does_not():
    state = device()
    send_all(state)
    boot, end = next(iter(ends().items()))
    state.take_receipt(receipt(boot, end), 1)
    send_all(state)
    state.take_gateway_state(ON, 2)
    assert send_all(state) == []
    state.take_gateway_state(json.dumps({"state": "on", "instance": "two"}).encode(), 3)
    assert {state.records[number].message.boot for number in send_all(state)} == set(ends()) - {boot}


def test_receipts_that_do_not_come_are_waited_for_only_so_long():
    state = device()
    send_all(state)
    state.check_progress(PATIENCE_SECONDS)
    assert send_all(state) == []
    state.check_progress(PATIENCE_SECONDS + 1)
    assert len(send_all(state)) == len(MADE.originals)


@settings(max_examples=30)
@given(st.data())
def test_whatever_receipts_come_a_batch_is_covered_exactly_when_one_names_all_of_it(data):
    state = device()
    send_all(state)
    boot, end = next(iter(ends().items()))
    named: set[int] = set()
    next_seq = 0
    for _ in range(data.draw(st.integers(1, 4))):
        next_seq = data.draw(st.integers(next_seq, end))
        cuts = sorted(data.draw(st.sets(st.integers(next_seq + 1, end + 1), max_size=8)))
        beyond = tuple(zip(cuts[::2], cuts[1::2], strict=False))
        state.take_receipt(receipt(boot, next_seq, beyond=beyond), 1)
        named |= {
            number
            for number, each in enumerate(MADE.originals)
            if each.boot == boot
            and (
                each.end_seq <= next_seq
                or any(first <= each.first_seq and each.end_seq <= stop for first, stop in beyond)
            )
        }
    assert {number for number, record in enumerate(state.records) if record.is_covered} == named
