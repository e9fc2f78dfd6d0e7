"""A NOR flash chip as a block device, whose power can be cut in the middle of any program or erase."""

import errno

from micropython import const

BLOCK_BYTES = const(4096)
_BLOCK_COUNT = const(4)
_BLOCK_SIZE = const(5)
_ERASE = const(6)


class NorFlash:
    """Programming can only clear bits, erasing sets a whole block; anything else is a mistake and raises ValueError.

    `cut_at` is the number of the operation during which the power goes, `done` how much of it is carried out, in
    quarters; from then on everything raises OSError.
    """

    def __init__(self, content, cut_at=-1, done=0):
        self.content = content
        self.operations = 0
        self._cut_at = cut_at
        self._done = done
        self._is_dead = False

    def readblocks(self, block, buffer, offset=0):
        self._check()
        start = block * BLOCK_BYTES + offset
        buffer[:] = memoryview(self.content)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        size = self._begin(len(buffer))
        start = block * BLOCK_BYTES + offset
        for at in range(size):
            if buffer[at] & ~self.content[start + at]:
                raise ValueError("programmed without erasing")
            self.content[start + at] = buffer[at]
        self._check()

    def ioctl(self, operation, block):
        if operation == _BLOCK_COUNT:
            return len(self.content) // BLOCK_BYTES
        if operation == _BLOCK_SIZE:
            return BLOCK_BYTES
        if operation == _ERASE:
            size = self._begin(BLOCK_BYTES)
            start = block * BLOCK_BYTES
            self.content[start : start + size] = b"\xff" * size
            self._check()
        return 0

    def _begin(self, size):
        """How many bytes of this operation are carried out."""
        self._check()
        self.operations += 1
        if self.operations - 1 == self._cut_at:
            self._is_dead = True
            return size * self._done // 4
        return size

    def _check(self):
        if self._is_dead:
            raise OSError(errno.EIO)
