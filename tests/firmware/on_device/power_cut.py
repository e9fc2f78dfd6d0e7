"""Cuts the power at every program and erase of a workload that seals and frees, on littlefs as boards have it."""

import os

import vfs
from nor_flash import BLOCK_BYTES, NorFlash
from parts import UPLINK, Device, receipt
from tw.codec import FRAME_BYTES
from tw.sign import MAC_BYTES

_BLOCKS = 16
_MAX_FILES = 4


class Truth:
    """What the application of a device knows."""

    def __init__(self):
        #: (boot, first seq) of batches whose `record` returned, without those that a receipt covers
        self.durable = set()
        #: (boot, first seq) of batches that a receipt covers
        self.covered = set()
        #: the batch whose `record` was running
        self.uncertain = None


def work(boot, truth, batches):
    device = Device("/flash/outbox", boot=boot, max_files=_MAX_FILES)
    held_before = {(batch.boot, batch.first_seq) for batch in device.outbox.batches}
    for batch in device.outbox.batches:
        device.outbox.cover(batch)
    truth.covered |= held_before
    truth.durable -= held_before
    for number in range(batches):
        key = (boot, device.meter.next_seq)
        truth.uncertain = key
        for step in range(1 + number % 3 * 200):
            device.meter.record("charging.session", number * 977 + step, emsp="volt-pass", seconds=step)
        device.meter.record("charging.session", number, final=True, emsp="e-drive", seconds=5303)
        truth.durable.add(key)
        truth.uncertain = None
        if number >= 1:
            oldest = min([batch for batch in device.outbox.batches if not device.outbox.is_covered(batch)])
            device.receipts.take(receipt(boot, oldest.end_seq))
            truth.durable.discard((boot, oldest.first_seq))
            truth.covered.add((boot, oldest.first_seq))


def mounted(flash):
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/flash")


def unmounted():
    try:
        vfs.umount("/flash")
    except OSError:
        pass  # the power is gone


def formatted():
    flash = NorFlash(bytearray(b"\xff" * (_BLOCKS * BLOCK_BYTES)))
    vfs.VfsLfs2.mkfs(flash, progsize=256)
    mounted(flash)
    Device("/flash/outbox")
    vfs.umount("/flash")
    return bytes(flash.content)


def run_until_cut(content, boot, truth, batches, cut_at, done):
    """One start of the device; gives the flash as the power cut leaves it, and the operations done."""
    flash = NorFlash(content, cut_at, done)
    try:
        mounted(flash)
        work(boot, truth, batches)
    except OSError:
        pass  # the power cut
    unmounted()
    return flash


def check(content, truth):
    """Nothing durable is lost, nothing invalid accepted, and the device goes on."""
    flash = NorFlash(content)
    mounted(flash)
    device = Device("/flash/outbox", boot=999, max_files=50)
    buffer = bytearray(4096)
    found = set()
    for batch in device.outbox.batches:
        size = device.outbox.read_into(batch, buffer)
        assert size >= FRAME_BYTES
        assert UPLINK.mac(memoryview(buffer)[: size - MAC_BYTES]) == bytes(buffer[size - MAC_BYTES : size]), batch
        found.add((batch.boot, batch.first_seq))
    assert not truth.durable - found, ("lost", truth.durable - found)
    unexpected = found - truth.durable - truth.covered - {truth.uncertain}
    assert not unexpected, ("made up", unexpected)
    assert len(os.listdir("/flash/outbox")) == len(device.outbox.batches)
    for boot, first, end in device.outbox.given_up.intervals:
        given_up = {(boot, seq) for seq in range(first, end)}
        assert given_up <= {truth.uncertain}, ("given up, and not lost", given_up)
    device.fill(1)
    vfs.umount("/flash")


def test_no_cut_in_one_start_loses_or_invents_a_batch():
    image = formatted()
    truth = Truth()
    operations = run_until_cut(bytearray(image), 1, truth, 16, -1, 0).operations
    assert len(truth.durable) + len(truth.covered) == 16
    assert operations > 60
    for done in (0, 2, 4):
        for cut_at in range(operations):
            truth = Truth()
            flash = run_until_cut(bytearray(image), 1, truth, 16, cut_at, done)
            assert flash.operations == cut_at + 1
            check(flash.content, truth)


def test_a_second_cut_right_after_the_first_loses_and_invents_nothing_either():
    image = formatted()
    operations = run_until_cut(bytearray(image), 1, Truth(), 6, -1, 0).operations
    for first in range(0, operations, 3):
        for second in range(0, 24, 2):
            truth = Truth()
            flash = run_until_cut(bytearray(image), 1, truth, 6, first, 2)
            maybe = truth.uncertain
            flash = run_until_cut(flash.content, 2, truth, 6, second, 2)
            if maybe is not None:
                truth.covered.add(maybe)
            check(flash.content, truth)
