import gc
import struct
import time

import tw.clock
from parts import BOOT, Device, raises
from tw.clock import NTP, UNSYNCHRONISED, Clock
from tw.codec import HEADER
from tw.errors import OutboxFull


def header(device, at=-1):
    buffer = bytearray(4096)
    size = device.outbox.read_into(device.outbox.batches[at], buffer)
    assert size <= 3800
    return struct.unpack_from(HEADER, buffer)


def test_a_final_event_is_stored_before_the_call_returns():
    device = Device()
    device.meter.record("charging.session", 6706, emsp="volt-pass")
    assert device.intervals() == []
    device.meter.record("charging.session", 6706, final=True, emsp="volt-pass")
    assert device.intervals() == [(BOOT, 0, 2)]


def test_an_exchange_is_stored_like_a_usage_event():
    device = Device()
    device.meter.exchange("occupancy", 1, to="city", final=True, seconds=5303)
    assert device.intervals() == [(BOOT, 0, 1)]


def test_a_full_batch_is_sealed_by_itself_and_no_event_is_lost():
    device = Device(max_files=50)
    for i in range(5000):
        device.meter.record("energy", i, phase=f"L{i % 3}")
    device.meter.seal()
    intervals = device.intervals()
    assert [start for _, start, _ in intervals[1:]] == [end for _, _, end in intervals[:-1]]
    assert intervals[-1][2] == 5000 == device.meter.next_seq
    assert header(device, 0)[4] > 500


def test_many_distinct_strings_fill_a_batch_without_harm():
    device = Device(max_files=200)
    for i in range(400):
        device.meter.record("energy", i, card=f"{i:032d}")
    device.meter.seal()
    assert device.intervals()[-1][2] == 400


def test_an_event_of_a_known_shape_leaves_nothing_to_collect():
    device = Device()
    attributes = {"phase": "L1", "amperes": 16}
    at_ms = device.clock.event_ms()
    device.writer.add(at_ms, "energy", 1, None, attributes)
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(100):
        device.writer.add(at_ms, "energy", 5, None, attributes)
    assert gc.mem_alloc() == before
    assert device.writer.count == 101


def test_an_event_that_exceeds_a_whole_batch_is_refused_and_the_next_one_is_not():
    device = Device()
    device.meter.record("energy", 1)
    huge = {f"name-{i}": f"{i:0250d}" for i in range(16)}
    raises(ValueError, device.meter.record, "energy", 1, **huge)
    device.meter.record("energy", 2, final=True)
    assert device.intervals() == [(BOOT, 0, 1), (BOOT, 1, 2)]


def test_what_the_format_cannot_carry_is_refused_with_a_reason():
    meter = Device().meter
    wide = {f"a{i}": i for i in range(17)}
    for kind, args, attributes in (
        (TypeError, ("energy", 1.5), {}),
        (TypeError, ("energy", "1"), {}),
        (TypeError, ("energy", True), {}),
        (TypeError, ("energy", None), {}),
        (TypeError, (7, 1), {}),
        (TypeError, ("energy", 1), {"phase": 1.0}),
        (TypeError, ("energy", 1), {"phase": None}),
        (TypeError, ("energy", 1), {"phase": True}),
        (TypeError, ("energy", 1), {"phase": b"L1"}),
        (ValueError, ("", 1), {}),
        (ValueError, ("energy", 1 << 63), {}),
        (ValueError, ("energy", -(1 << 63) - 1), {}),
        (ValueError, ("energy", 1), {"phase": 1 << 63}),
        (ValueError, ("e" * 256, 1), {}),
        (ValueError, ("\u20ac" * 86, 1), {}),
        (ValueError, ("energy", 1), wide),
    ):
        assert str(raises(kind, meter.record, *args, **attributes))
    raises(TypeError, meter.exchange, "occupancy", 1, to=None)
    assert (meter.next_seq, meter.refused) == (0, 0)
    meter.record("energy", (1 << 63) - 1)
    meter.record("energy", -(1 << 63))
    meter.record("\u20ac" * 85, 1)
    assert meter.next_seq == 3


def test_an_event_that_cannot_be_stored_is_taken_back():
    device = Device()
    device.meter.record("energy", 1, phase="L1")

    real_write = device.outbox._write
    device.outbox._write = lambda *_: False
    raises(OutboxFull, device.meter.record, "energy", 2, final=True, phase="L2", extra=3)
    assert (device.meter.next_seq, device.meter.refused) == (1, 1)
    device.outbox._write = real_write
    device.meter.record("energy", 3, final=True, phase="L3")
    assert device.intervals() == [(BOOT, 0, 2)]


def test_a_batch_is_sealed_when_its_first_event_is_old_enough():
    device = Device()
    device.meter.record("energy", 1)
    device.meter.seal_after(60_000)
    assert device.intervals() == []
    device.meter.seal_after(0)
    assert device.intervals() == [(BOOT, 0, 1)]
    device.meter.seal_after(0)
    assert len(device.intervals()) == 1


def test_a_batch_never_mixes_time_qualities():
    device = Device()
    device.clock.quality = UNSYNCHRONISED
    device.clock._offset_ms = 0
    device.meter.record("energy", 1)
    device.meter.record("energy", 2)
    device.meter.set_clock(1_764_000_000_000, NTP)
    device.meter.record("energy", 3)
    device.meter.set_clock(1_764_000_000_500, NTP)
    device.meter.record("energy", 4, final=True)
    assert device.intervals() == [(BOOT, 0, 2), (BOOT, 2, 4)]
    before, after = header(device, 0), header(device, 1)
    assert before[5] == UNSYNCHRONISED
    assert before[6] < 60_000
    assert after[5] == NTP
    assert 1_764_000_000_000 <= after[6] < 1_764_000_060_000


class Ticks:
    """Stands in for the module time of a board whose ticks wrap at 2^30 ms."""

    def __init__(self, start):
        self.now = start

    def ticks_ms(self):
        return self.now & 0x3FFFFFFF

    def ticks_diff(self, later, earlier):
        return ((later - earlier + 0x20000000) & 0x3FFFFFFF) - 0x20000000


def test_the_uptime_goes_on_when_the_ticks_wrap():
    ticks = Ticks(0x3FFFFFFF - 1000)
    tw.clock.time = ticks
    try:
        clock = Clock()
        day_ms = 86_400_000
        for day in range(1, 60):
            ticks.now += day_ms
            assert clock.uptime_ms() == day * day_ms
        clock.set_unix_ms(1_764_000_000_000, NTP)
        ticks.now += 2 * day_ms
        assert clock.event_ms() == 1_764_000_000_000 + 2 * day_ms
    finally:
        tw.clock.time = time
