import os

from parts import BOOT, UPLINK, Device, raises, receipt
from tw.errors import OutboxFull
from tw.outbox import Outbox
from tw.sign import Key


def names():
    return sorted(os.listdir("outbox"))


def truncate(name, size):
    with open("outbox/" + name, "rb") as file:
        kept = file.read(size)
    with open("outbox/" + name, "wb") as file:
        file.write(kept)


def test_a_restart_finds_every_batch_in_order():
    first = Device(boot=1)
    first.fill(3)
    second = Device(boot=2)
    second.fill(2)
    assert Device(boot=3).intervals() == [(1, 0, 1), (1, 1, 2), (1, 2, 3), (2, 0, 1), (2, 1, 2)]


def test_a_restart_knows_the_boot_before_it_and_how_far_it_had_sealed():
    device = Device(boot=1)
    assert device.outbox.newest is None
    device.fill(3)
    newest = Device(boot=2).outbox.newest
    assert (newest.boot, newest.end_seq) == (1, 3)


def test_the_same_bytes_are_read_back():
    device = Device()
    device.meter.record("energy", 5)
    sealed = bytes(device.writer.seal(1))
    device.meter.seal()
    buffer = bytearray(4096)
    size = Device(boot=2).outbox.read_into(device.outbox.newest, buffer)
    assert bytes(buffer[:size]) == sealed


def test_an_empty_newest_file_is_removed_and_counted():
    Device(boot=1).fill(3)
    truncate(names()[-1], 0)
    device = Device(boot=2)
    assert device.intervals() == [(1, 0, 1), (1, 1, 2)]
    assert device.outbox.damaged == 1
    assert len(names()) == 2


def test_a_torn_newest_file_is_removed_at_whatever_byte_it_ends():
    Device(boot=1).fill(2)
    size = os.stat("outbox/" + names()[-1])[6]
    for length in range(size):
        Device(boot=1, max_files=99).fill(1)
        truncate(names()[-1], length)
        device = Device(boot=2, max_files=99)
        assert device.outbox.damaged == 1, length
        assert len(device.outbox.batches) == 2, length


def test_a_flipped_bit_in_the_newest_file_is_found():
    Device(boot=1).fill(2)
    path = "outbox/" + names()[-1]
    with open(path, "rb") as file:
        batch = bytearray(file.read())
    batch[30] ^= 1
    with open(path, "wb") as file:
        file.write(batch)
    assert Device(boot=2).outbox.damaged == 1


def test_several_torn_files_are_removed():
    Device(boot=1).fill(4)
    truncate(names()[-1], 60)
    truncate(names()[-2], 0)
    device = Device(boot=2)
    assert (device.outbox.damaged, len(device.outbox.batches)) == (2, 2)


def test_a_serial_number_is_never_used_for_two_batches_that_are_held():
    Device(boot=1).fill(2)
    before = names()
    Device(boot=2).fill(2)
    assert names()[:2] == before
    assert len(names()) == 4


def test_batches_of_an_older_key_version_are_kept_when_the_key_is_renewed():
    Device(boot=1).fill(2)
    device = Device(boot=2, key_version=2, key=Key(b"n" * 32))
    assert (device.outbox.damaged, len(device.outbox.batches)) == (0, 2)


def test_a_full_outbox_refuses_and_drops_nothing():
    device = Device(max_files=4)
    device.fill(4)
    before = names()
    raises(OutboxFull, device.meter.record, "energy", 1)
    raises(OutboxFull, device.meter.record, "energy", 1, final=True)
    assert not device.meter.has_room()
    assert device.meter.refused == 2
    assert device.meter.next_seq == 4
    assert names() == before


def test_an_open_batch_keeps_its_place_in_the_outbox():
    device = Device(max_files=4)
    device.fill(3)
    device.meter.record("energy", 1)
    device.meter.record("energy", 2, final=True)
    assert device.intervals()[-1] == (BOOT, 3, 5)


def test_an_open_batch_keeps_its_place_even_when_receipts_are_withdrawn():
    device = Device(max_files=4)
    device.fill(4)
    device.receipts.take(receipt(BOOT, 3))
    device.meter.record("energy", 1)
    device.receipts.take(receipt(BOOT, 0, epoch="e-2"))
    device.meter.seal()
    assert device.intervals() == [(BOOT, 1, 2), (BOOT, 2, 3), (BOOT, 3, 4), (BOOT, 4, 5)]


def test_covered_batches_stay_until_their_room_is_needed():
    device = Device(max_files=4)
    device.fill(3)
    device.receipts.take(receipt(BOOT, 3))
    assert len(names()) == 3
    device.fill(1)
    assert len(names()) == 4
    device.fill(1)
    assert device.intervals() == [(BOOT, 1, 2), (BOOT, 2, 3), (BOOT, 3, 4), (BOOT, 4, 5)]


def test_a_batch_is_freed_only_when_a_receipt_covers_its_whole_interval():
    device = Device(max_files=2)
    for _ in range(2):
        for _ in range(4):
            device.meter.record("energy", 1)
        device.meter.seal()
    device.receipts.take(receipt(BOOT, 3))
    raises(OutboxFull, device.meter.record, "energy", 1)
    device.receipts.take(receipt(BOOT, 4))
    device.meter.record("energy", 1, final=True)
    assert device.intervals() == [(BOOT, 4, 8), (BOOT, 8, 9)]


def test_the_newest_file_is_kept_even_when_it_is_committed():
    device = Device(max_files=2)
    device.fill(2)
    device.receipts.take(receipt(BOOT, 2))
    assert device.outbox.reserve()
    assert device.intervals() == [(BOOT, 1, 2)]
    assert Device(boot=7).outbox.newest.end_seq == 2


def test_a_full_file_system_frees_what_is_covered_but_not_the_newest_file():
    device = Device()
    device.fill(3)
    device.receipts.take(receipt(BOOT, 3))
    device.outbox._write = lambda *_: False
    raises(OutboxFull, device.meter.record, "energy", 1, final=True)
    assert device.intervals() == [(BOOT, 2, 3)]
    assert device.meter.next_seq == 3


def test_a_file_that_is_no_batch_is_left_alone():
    os.mkdir("outbox")
    with open("outbox/notes.txt", "w") as file:
        file.write("hello")
    device = Outbox("outbox", UPLINK, 1, 8)
    assert (device.batches, device.damaged) == ([], 0)
    assert os.listdir("outbox") == ["notes.txt"]
