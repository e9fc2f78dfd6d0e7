"""Sealed batches on flash, one file each, until receipts cover them and their room is needed.

A file's name is a serial number that only grows, so the names give the order across restarts. The newest file is
kept even when it is committed: it tells the next start which boot came before it and how far that boot had sealed.
The events of a torn file are given up (`given_up`), as far as its header or its neighbours tell which they are.
"""

import errno
import os
import struct
from collections import namedtuple

from micropython import const

from tw.codec import BUFFER_BYTES, FRAME_BYTES, HEADER, HEADER_BYTES, VERSION
from tw.errors import OutboxFull
from tw.given_up import GivenUp
from tw.sign import MAC_BYTES, Key, equal

_REGULAR_FILE = const(0x8000)
_SERIAL_DIGITS = const(8)
#: No event takes less: shape, time and quantity.
_LEAST_EVENT_BYTES = const(3)
#: ENOSPC of littlefs and Linux; the boards' errno module does not name it.
_NO_SPACE = const(28)

#: One file: its serial number, and the events in it as boot and half-open interval of seqs.
StoredBatch = namedtuple("StoredBatch", ("serial", "boot", "first_seq", "end_seq"))


class Outbox:
    """The batches that this device holds, oldest first."""

    def __init__(self, folder: str, key: Key, key_version: int, max_files: int) -> None:
        self._folder = folder
        self._key = key
        self._key_version = key_version
        self._max_files = max_files
        #: files found torn after a power cut and removed at this start
        self.damaged = 0
        #: what was numbered and can never be sent
        self.given_up = GivenUp(f"{folder}-lost.json")
        #: oldest first
        self.batches: list[StoredBatch] = []
        self._covered: set[int] = set()
        self._next_serial = 1
        self._open()

    @property
    def newest(self) -> StoredBatch | None:
        """The batch that was stored last, or None while there never was one."""
        return self.batches[-1] if self.batches else None

    @property
    def uncovered_files(self) -> int:
        """How many files hold events that no receipt covers."""
        return len(self.batches) - len(self._covered)

    def has_room(self) -> bool:
        """Whether another batch can be stored, now or after freeing a covered one."""
        return len(self.batches) < self._max_files or self._oldest_covered() is not None

    def reserve(self) -> bool:
        """Make sure of a place for one more batch, freeing the oldest covered files for it; False if there is none."""
        while len(self.batches) >= self._max_files:
            if not self._free_one():
                return False
        return True

    def store(self, batch: memoryview, boot: int, first_seq: int, end_seq: int) -> None:
        """Write a sealed batch to flash; when this returns, a power cut cannot take it. Raises OutboxFull."""
        if not self.reserve():
            raise OutboxFull("every place is taken by batches that no receipt covers")
        while not self._write(self._next_serial, batch):
            if not self._free_one():
                raise OutboxFull("the file system is full of batches that no receipt covers")
        self.batches.append(StoredBatch(self._next_serial, boot, first_seq, end_seq))
        self._next_serial += 1

    def read_into(self, batch: StoredBatch, buffer: bytearray) -> int:
        """Copy a stored batch to the start of `buffer`; gives its bytes."""
        with open(self._path(batch.serial), "rb") as file:
            return file.readinto(buffer) or 0

    def is_covered(self, batch: StoredBatch) -> bool:
        """Whether a receipt covers every event of this batch."""
        return batch.serial in self._covered

    def cover(self, batch: StoredBatch) -> None:
        """A receipt covers this batch: its room may be used when it is needed."""
        self._covered.add(batch.serial)

    def uncover_all(self) -> None:
        """What receipts said no longer holds."""
        self._covered.clear()

    def _path(self, serial: int) -> str:
        return f"{self._folder}/{serial:0{_SERIAL_DIGITS}x}"

    def _open(self) -> None:
        try:
            os.mkdir(self._folder)
        except OSError:
            os.stat(self._folder)  # raises unless the folder is there already
        serials = sorted(
            int(entry[0], 16)
            for entry in os.ilistdir(self._folder)
            if entry[1] == _REGULAR_FILE and len(entry[0]) == _SERIAL_DIGITS
        )
        buffer = bytearray(BUFFER_BYTES)
        torn = []
        while serials and not self._is_whole(serials[-1], buffer):
            torn.append(serials.pop())
        for serial in serials:
            self._list(serial, buffer)
        end = self.newest
        for serial in reversed(torn):
            end = self._give_up_torn(serial, end, buffer)
            self._discard(serial)
        if serials:
            self._next_serial = serials[-1] + 1
        self.given_up.save()

    def _list(self, serial: int, buffer: bytearray) -> None:
        batch = self._header(serial, buffer)
        if batch is None:
            self._discard(serial)
            return
        before = self.newest
        if before is not None and before.boot == batch.boot:
            batch = StoredBatch(serial, before.boot, batch.first_seq, batch.end_seq)  # one object for all of a boot
            if batch.serial > before.serial + 1 and self.damaged:
                self.given_up.add(batch.boot, before.end_seq, batch.first_seq)
        self.batches.append(batch)

    def _header(self, serial: int, buffer: bytearray) -> StoredBatch | None:
        with open(self._path(serial), "rb") as file:
            size = file.readinto(memoryview(buffer)[:HEADER_BYTES])
        if size != HEADER_BYTES:
            return None
        _, _, boot, first_seq, count, _, _, _ = struct.unpack_from(HEADER, buffer)
        return StoredBatch(serial, boot, first_seq, first_seq + count)

    def _give_up_torn(self, serial: int, before: StoredBatch | None, buffer: bytearray) -> StoredBatch | None:
        """Give up a torn file's events if its header can be believed: it goes on behind `before`, or begins a boot."""
        batch = self._header(serial, buffer)
        if batch is None:
            return before
        version, _, _, _, count, _, _, section_bytes = struct.unpack_from(HEADER, buffer)
        goes_on = before is not None and (batch.boot, batch.first_seq) == (before.boot, before.end_seq)
        if version != VERSION or not (goes_on or batch.first_seq == 0):
            return before
        if not 0 < count * _LEAST_EVENT_BYTES <= section_bytes < BUFFER_BYTES:
            return before
        self.given_up.add(batch.boot, batch.first_seq, batch.end_seq)
        return batch

    def _is_whole(self, serial: int, buffer: bytearray) -> bool:
        """A write that a power cut ended leaves an empty or short file: only the last ones can be such."""
        with open(self._path(serial), "rb") as file:
            size = file.readinto(buffer) or 0
        if size < FRAME_BYTES or size != os.stat(self._path(serial))[6]:
            return False
        if buffer[1] != self._key_version:
            return True  # sealed under a key that this device no longer has: the gateway will judge it
        view = memoryview(buffer)
        return equal(self._key.mac(view[: size - MAC_BYTES]), view[size - MAC_BYTES : size])

    def _discard(self, serial: int) -> None:
        os.remove(self._path(serial))
        self.damaged += 1

    def _oldest_covered(self) -> StoredBatch | None:
        for at in range(len(self.batches) - 1):
            if self.batches[at].serial in self._covered:
                return self.batches[at]
        return None

    def _free_one(self) -> bool:
        batch = self._oldest_covered()
        if batch is None:
            return False
        os.remove(self._path(batch.serial))
        self.batches.remove(batch)
        self._covered.discard(batch.serial)
        if not any(other.boot == batch.boot for other in self.batches):
            self.given_up.freed(batch.boot, batch.end_seq)
            self.given_up.save()
        return True

    def _write(self, serial: int, batch: memoryview) -> bool:
        path = self._path(serial)
        try:
            with open(path, "wb") as file:
                file.write(batch)
        except OSError as problem:
            if problem.errno != _NO_SPACE:
                raise
            _remove_if_there(path)
            return False
        return True


def _remove_if_there(path: str) -> None:
    try:
        os.remove(path)
    except OSError as problem:
        if problem.errno != errno.ENOENT:
            raise
