"""Commit receipts: what the gateway says it has durably stored (`docs/protocol.md`, rules 1 and 2).

What a receipt lacks of a boot and the outbox does not hold any more is given up.
"""

from micropython import const

from tw.errors import BadText
from tw.given_up import without
from tw.outbox import Outbox, StoredBatch
from tw.sign import Key, open_text

#: A gateway that asks for more than a minute between two batches is not believed.
_SLOW_LIMIT_MS = const(60_000)


class Receipts:
    """Applies verified receipts to the outbox."""

    def __init__(self, outbox: Outbox, downlink_key: Key, boot: int) -> None:
        self._outbox = outbox
        self._boot = boot
        self._key = downlink_key
        self._epoch = outbox.given_up.epoch
        #: by boot, the seq below which everything is committed
        self._next_seq: dict[int, int] = {}
        #: ms to wait between two batches
        self.slow_ms = 0

    def next_seq(self, boot: int) -> int:
        """Every event of `boot` below this seq is committed, as far as receipts have said."""
        return self._next_seq.get(boot, 0)

    def take(self, message: bytes | memoryview) -> bool:
        """Apply one receipt; True when the store has lost something, so that all that is held must be sent again.

        Raises BadText for what no gateway of ours has sent.
        """
        body = open_text("a", message, self._key)
        epoch, beyond = body.get("epoch"), body.get("beyond", [])
        boot, next_seq, slow_ms = _integer(body, "boot"), _integer(body, "next"), _integer(body, "slow")
        if not isinstance(epoch, str) or not isinstance(beyond, list):
            raise BadText("a receipt without epoch or intervals")
        intervals = [_interval(entry) for entry in beyond]
        lost = self._epoch not in ("", epoch) or next_seq < self.next_seq(boot)
        if lost:
            self._outbox.uncover_all()
            self._next_seq.clear()
        self._epoch = epoch
        self.slow_ms = min(slow_ms, _SLOW_LIMIT_MS)
        self._cover(boot, next_seq, intervals)
        given_up = self._outbox.given_up
        given_up.begin_epoch(epoch)
        given_up.cover(boot, next_seq, intervals)
        self._give_up_freed(boot, next_seq, intervals)
        given_up.save()
        return lost

    def _cover(self, boot: int, next_seq: int, beyond: list[tuple[int, int]]) -> None:
        is_held = boot == self._boot
        for batch in self._outbox.batches:
            if batch.boot == boot:
                is_held = True
                if batch.end_seq <= next_seq or _is_within(batch, beyond):
                    self._outbox.cover(batch)
        if is_held:
            self._next_seq[boot] = next_seq

    def _give_up_freed(self, boot: int, next_seq: int, beyond: list[tuple[int, int]]) -> None:
        """Give up what lies before or between the boot's files and is not committed."""
        at = next_seq
        for batch in self._outbox.batches:
            if batch.boot == boot:
                if batch.first_seq > at:
                    for first, end in without(at, batch.first_seq, beyond):
                        self._outbox.given_up.add(boot, first, end)
                at = max(at, batch.end_seq)


def _is_within(batch: StoredBatch, intervals: list[tuple[int, int]]) -> bool:
    return any(first <= batch.first_seq and batch.end_seq <= end for first, end in intervals)


def _interval(entry: object) -> tuple[int, int]:
    if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], int) or not isinstance(entry[1], int):
        raise BadText('"beyond" of a receipt is no list of intervals')
    return entry[0], entry[1]


def _integer(body: dict[str, object], name: str) -> int:
    value = body.get(name, 0)
    if not isinstance(value, int) or value < 0:
        raise BadText(f'"{name}" of a receipt is no whole number')
    return value
