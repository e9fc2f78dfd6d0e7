"""What several tests need: keys, receipts as a gateway would write them, and a device without a network."""

from tw.clock import NTP, Clock
from tw.codec import BatchWriter
from tw.delivery import Delivery
from tw.meter import Meter
from tw.outbox import Outbox
from tw.receipts import Receipts
from tw.sign import Key, seal_text

UPLINK = Key(b"u" * 32)
DOWNLINK = Key(b"d" * 32)
BOOT = 0xABCD1234


def receipt(boot, next_seq, epoch="e-1", beyond=(), slow=0, key=DOWNLINK):
    body = {"epoch": epoch, "boot": boot, "next": next_seq, "beyond": list(beyond), "slow": slow, "now": 0}
    return seal_text("a", body, key)


class Device:
    """The parts of a device that need no network."""

    def __init__(self, folder="outbox", boot=BOOT, max_files=8, key_version=1, key=UPLINK):
        self.clock = Clock()
        self.outbox = Outbox(folder, key, key_version, max_files)
        self.receipts = Receipts(self.outbox, DOWNLINK, boot)
        self.delivery = Delivery(self.outbox, self.receipts, self.clock, "tw1/e/d/e")
        self.writer = BatchWriter(key, key_version, boot)
        self.meter = Meter(self.writer, self.outbox, self.clock, self.delivery)
        self.clock.set_unix_ms(1_764_000_000_000, NTP)

    def fill(self, files):
        for _ in range(files):
            self.meter.record("energy", 5, final=True)

    def intervals(self):
        return [(batch.boot, batch.first_seq, batch.end_seq) for batch in self.outbox.batches]


def raises(kind, call, *args, **named):
    """The exception of class `kind` that the call must raise."""
    try:
        call(*args, **named)
    except kind as problem:
        return problem
    raise AssertionError(f"{kind.__name__} was expected")
