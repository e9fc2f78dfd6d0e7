"""What was numbered and can never be sent is declared, exactly, until receipts cover it."""

import json
import os

from outbox import names, truncate
from parts import BOOT, Device, receipt
from tw.given_up import GivenUp, without

FILE = "outbox-lost.json"


def lost(device):
    return device.outbox.given_up.intervals


def fill(boot, *counts):
    """One file with so many events each."""
    device = Device(boot=boot)
    for count in counts:
        for _ in range(count):
            device.meter.record("energy", 5)
        device.meter.seal()
    return device


def test_nothing_is_given_up_and_nothing_written_while_all_is_well():
    device = fill(1, 2, 2)
    assert lost(Device(boot=2)) == []
    assert FILE not in os.listdir()
    device.receipts.take(receipt(1, 4))
    assert lost(device) == []


def test_the_events_of_a_torn_file_are_given_up_across_restarts():
    fill(1, 2, 3)
    truncate(names()[-1], 40)
    assert lost(Device(boot=2)) == [(1, 2, 5)]
    assert lost(Device(boot=3)) == [(1, 2, 5)]


def test_of_a_file_torn_in_its_header_nothing_is_known():
    fill(1, 2, 3)
    truncate(names()[-1], 22)
    assert lost(Device(boot=2)) == []


def test_several_torn_files_are_given_up_together():
    fill(1, 2, 3, 4)
    truncate(names()[-1], 30)
    truncate(names()[-2], 60)
    assert lost(Device(boot=2)) == [(1, 2, 5), (1, 5, 9)]


def test_the_only_file_of_a_boot_is_given_up_from_its_first_event_on():
    fill(1, 2)
    fill(2, 3)
    truncate(names()[-1], 40)
    assert lost(Device(boot=3)) == [(2, 0, 3)]


def test_a_header_that_does_not_go_on_where_the_file_before_ends_is_not_believed():
    for at, value in ((2, 0x55), (9, 0x55), (10, 0xFF), (0, 2), (21, 0xFF)):
        for name in os.listdir("outbox") if "outbox" in os.listdir() else ():
            os.remove("outbox/" + name)
        fill(1, 2, 3)
        path = "outbox/" + names()[-1]
        with open(path, "rb") as file:
            batch = bytearray(file.read())
        batch[at] = value
        with open(path, "wb") as file:
            file.write(batch)
        device = Device(boot=2)
        assert (device.outbox.damaged, lost(device)) == (1, []), at


def test_a_file_that_is_cut_short_between_others_is_given_up_by_its_neighbours():
    fill(1, 2, 3, 4)
    truncate(names()[1], 5)
    device = Device(boot=2)
    assert lost(device) == [(1, 2, 5)]
    assert device.intervals() == [(1, 0, 2), (1, 5, 9)]


def test_a_receipt_that_covers_what_was_given_up_ends_its_declaration_for_good():
    fill(1, 2, 3)
    truncate(names()[-1], 40)
    device = Device(boot=2)
    device.receipts.take(receipt(1, 3))
    assert lost(device) == [(1, 3, 5)]
    device.receipts.take(receipt(1, 3, beyond=[[4, 5]]))
    assert lost(Device(boot=3)) == [(1, 3, 4)]
    device.receipts.take(receipt(1, 5))
    assert lost(Device(boot=4)) == []


def test_a_store_that_lost_what_it_had_receipted_is_told_exactly_what_was_freed_since():
    device = Device(max_files=4)
    device.fill(4)
    device.receipts.take(receipt(BOOT, 4))
    device.fill(2)  # frees the first two
    assert device.intervals() == [(BOOT, 2, 3), (BOOT, 3, 4), (BOOT, 4, 5), (BOOT, 5, 6)]
    assert not device.outbox.given_up.take_news()
    assert device.receipts.take(receipt(BOOT, 1, epoch="e-2"))
    assert lost(device) == [(BOOT, 1, 2)]
    assert device.outbox.given_up.take_news()
    device.receipts.take(receipt(BOOT, 1, epoch="e-2", beyond=[[2, 6]]))
    assert lost(device) == [(BOOT, 1, 2)]
    assert not device.outbox.given_up.take_news(), "it is declared already"


def test_what_a_store_has_beyond_a_gap_is_not_given_up():
    device = Device(max_files=3)
    device.fill(3)
    device.receipts.take(receipt(BOOT, 3))
    device.fill(2)
    device.receipts.take(receipt(BOOT, 0, epoch="e-2", beyond=[[1, 2]]))
    assert lost(device) == [(BOOT, 0, 1)]


def test_boots_that_were_freed_wholly_are_declared_to_a_store_that_was_put_back_while_the_device_was_off():
    first = Device(boot=1, max_files=2)
    first.fill(2)
    first.receipts.take(receipt(1, 2))
    second = Device(boot=2, max_files=2)
    second.receipts.take(receipt(1, 2))
    second.fill(1)
    assert second.intervals() == [(1, 1, 2), (2, 0, 1)]
    second.receipts.take(receipt(2, 1))
    second.fill(1)  # frees the last file of the first boot
    assert lost(second) == []
    third = Device(boot=3, max_files=2)
    assert third.receipts.take(receipt(2, 2, epoch="e-2"))
    assert lost(third) == [(1, 0, 2)]
    assert lost(Device(boot=4)) == [(1, 0, 2)]


def test_of_more_than_a_few_the_oldest_are_forgotten():
    given_up = GivenUp(FILE)
    for boot in range(40):
        given_up.freed(boot, 9)
    given_up.begin_epoch("e-1")
    for boot in range(50, 90):
        given_up.add(boot, 0, 5)
    given_up.save()
    assert [boot for boot, _, _ in GivenUp(FILE).intervals] == list(range(74, 90))
    assert os.stat(FILE)[6] < 1000


def test_what_could_not_be_written_is_written_later():
    given_up = GivenUp("missing/" + FILE)
    given_up.add(1, 0, 5)
    given_up.save()
    assert given_up.intervals == [(1, 0, 5)]
    os.mkdir("missing")
    given_up.save()
    assert GivenUp("missing/" + FILE).intervals == [(1, 0, 5)]


def test_a_file_that_cannot_be_read_tells_nothing():
    for content in ("", "{", "[]", '{"lost":[[1]],"freed":[],"epoch":""}'):
        with open(FILE, "w") as file:
            file.write(content)
        assert GivenUp(FILE).intervals == []


def test_giving_up_twice_is_giving_up_once():
    given_up = GivenUp(FILE)
    given_up.add(1, 2, 5)
    given_up.add(1, 3, 4)
    given_up.add(1, 0, 7)
    assert sorted(given_up.intervals) == [(1, 0, 2), (1, 2, 5), (1, 5, 7)]
    given_up.cover(1, 7, [])
    given_up.save()
    with open(FILE) as file:
        assert json.load(file)["lost"] == []


def test_intervals_are_subtracted():
    assert without(0, 10, [(3, 5), (4, 6), (8, 20)]) == [(0, 3), (6, 8)]
    assert without(3, 5, [(0, 10)]) == []
    assert without(3, 5, []) == [(3, 5)]
    assert without(3, 5, [(0, 3), (5, 9)]) == [(3, 5)]
