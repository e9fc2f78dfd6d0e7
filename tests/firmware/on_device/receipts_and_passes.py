from parts import BOOT, DOWNLINK, UPLINK, Device, raises, receipt
from tw.errors import BadText
from tw.sign import open_text, seal_text

ON = b'{"state":"on","instance":"a"}'
OFF = b'{"state":"off"}'


class StillClock:
    """A clock that stands still until it is told."""

    def __init__(self):
        self.now_ms = 0

    def uptime_ms(self):
        return self.now_ms


def device_with(files, max_files=200):
    device = Device(max_files=max_files)
    device.fill(files)
    device.delivery._clock = StillClock()
    device.delivery.take_gateway_state(ON)
    return device


def publish_all(delivery):
    """What one pass publishes now, as first seqs."""
    published = []
    batch = delivery._next()
    while batch is not None:
        delivery._awaited.add(batch.serial)
        delivery._passed = batch.serial
        published.append(batch.first_seq)
        batch = delivery._next()
    return published


def test_a_receipt_covers_what_lies_below_it_and_the_intervals_beyond():
    device = device_with(6)
    device.delivery.take_receipt(receipt(BOOT, 2, beyond=[[3, 5]]))
    assert [device.outbox.is_covered(batch) for batch in device.outbox.batches] == [
        True,
        True,
        False,
        True,
        True,
        False,
    ]
    assert device.receipts.next_seq(BOOT) == 2


def test_a_forged_receipt_changes_nothing():
    device = device_with(3)
    good = receipt(BOOT, 3)
    forged = [
        receipt(BOOT, 3, key=UPLINK),
        good[:-1] + (b"0" if good[-1:] != b"0" else b"1"),
        good.replace(b'"next":3', b'"next":2'),
        b"",
        b".",
        b"{}." + b"0" * 32,
        good[:-33],
    ]
    for message in forged:
        device.delivery.take_receipt(memoryview(message))
    assert device.outbox.uncovered_files == 3
    assert device.delivery.ignored == len(forged)


def test_a_birth_cannot_be_passed_off_as_a_receipt():
    message = seal_text("s", {"boot": BOOT, "next": 3, "epoch": "e"}, DOWNLINK)
    raises(BadText, open_text, "a", message, DOWNLINK)


def test_a_receipt_with_a_broken_field_is_ignored_whole():
    device = device_with(3)
    sound = {"epoch": "e-1", "boot": BOOT, "next": 3, "beyond": [], "slow": 0, "now": 0}
    for name, value in (
        ("next", 2.5),
        ("next", -1),
        ("boot", "x"),
        ("epoch", 7),
        ("beyond", [[1]]),
        ("beyond", 3),
        ("slow", None),
    ):
        body = dict(sound)
        body[name] = value
        device.delivery.take_receipt(seal_text("a", body, DOWNLINK))
    assert device.delivery.ignored == 7
    assert device.outbox.uncovered_files == 3


def test_receipts_of_another_boot_do_not_touch_this_one():
    Device(boot=1).fill(2)
    device = Device(boot=2)
    device.fill(2)
    device.receipts.take(receipt(1, 2))
    assert [device.outbox.is_covered(batch) for batch in device.outbox.batches] == [True, True, False, False]


def test_nothing_is_published_until_the_gateway_says_that_it_is_on():
    device = Device()
    device.fill(3)
    assert publish_all(device.delivery) == []
    device.delivery.take_gateway_state(ON)
    assert publish_all(device.delivery) == [0, 1, 2]
    device.fill(1)
    device.delivery.take_gateway_state(OFF)
    assert publish_all(device.delivery) == []


def test_a_gateway_that_returns_is_sent_what_no_receipt_covers():
    device = device_with(4)
    publish_all(device.delivery)
    device.delivery.take_receipt(receipt(BOOT, 2))
    device.delivery.take_gateway_state(ON)
    assert publish_all(device.delivery) == []
    device.delivery.take_gateway_state(OFF)
    device.delivery.take_gateway_state(ON)
    assert publish_all(device.delivery) == [2, 3]


def test_another_gateway_instance_is_sent_what_no_receipt_covers():
    device = device_with(2)
    publish_all(device.delivery)
    device.delivery.take_gateway_state(b'{"state":"on","instance":"b"}')
    assert publish_all(device.delivery) == [0, 1]


def test_a_new_epoch_makes_the_device_send_everything_that_it_holds():
    device = device_with(4)
    publish_all(device.delivery)
    device.delivery.take_receipt(receipt(BOOT, 4))
    assert device.outbox.uncovered_files == 0
    device.delivery.take_receipt(receipt(BOOT, 1, epoch="e-2"))
    assert publish_all(device.delivery) == [1, 2, 3]


def test_a_position_that_moves_backwards_makes_the_device_send_everything_that_it_holds():
    device = device_with(4)
    publish_all(device.delivery)
    device.delivery.take_receipt(receipt(BOOT, 4))
    device.delivery.take_receipt(receipt(BOOT, 2))
    assert publish_all(device.delivery) == [2, 3]


def test_a_receipt_that_says_the_same_again_is_harmless():
    device = device_with(4)
    publish_all(device.delivery)
    for _ in range(3):
        device.delivery.take_receipt(receipt(BOOT, 2))
    assert publish_all(device.delivery) == []


def test_batches_without_a_receipt_are_sent_again_after_a_while():
    device = device_with(3)
    publish_all(device.delivery)
    device.delivery._clock.now_ms += 9_999
    device.delivery.check_progress()
    assert publish_all(device.delivery) == []
    device.delivery._clock.now_ms += 1
    device.delivery.check_progress()
    assert publish_all(device.delivery) == [0, 1, 2]


def test_the_device_grows_more_patient_until_a_receipt_comes():
    device = device_with(3)
    publish_all(device.delivery)
    waits = []
    for _ in range(6):
        wait_ms = 0
        while not publish_all(device.delivery):
            device.delivery._clock.now_ms += 1000
            wait_ms += 1000
            device.delivery.check_progress()
        waits.append(wait_ms)
    assert waits == [10_000, 20_000, 40_000, 80_000, 160_000, 160_000], waits
    device.delivery.take_receipt(receipt(BOOT, 1))
    device.delivery._clock.now_ms += 10_000
    device.delivery.check_progress()
    assert publish_all(device.delivery) == [1, 2]


def test_a_batch_that_is_never_receipted_does_not_hold_up_the_others():
    device = device_with(130)
    first = publish_all(device.delivery)
    assert first == list(range(64))
    device.delivery._clock.now_ms += 10_000
    device.delivery.check_progress()
    assert publish_all(device.delivery) == list(range(64, 128))
    device.delivery.take_receipt(receipt(BOOT, 0, beyond=[[1, 128]]))
    assert publish_all(device.delivery) == [128, 129]
    device.delivery.take_receipt(receipt(BOOT, 0, beyond=[[1, 130]]))
    device.delivery._clock.now_ms += 10_000
    device.delivery.check_progress()
    assert publish_all(device.delivery) == [0]


def test_the_wait_that_a_gateway_asks_for_is_limited():
    device = device_with(1)
    device.receipts.take(receipt(BOOT, 0, slow=250))
    assert device.receipts.slow_ms == 250
    device.receipts.take(receipt(BOOT, 0, slow=1 << 40))
    assert device.receipts.slow_ms == 60_000


def test_gateway_states_that_make_no_sense_are_ignored():
    device = device_with(1)
    for message in (b"", b"on", b"[]", b"{}", b"3", b'{"state":'):
        device.delivery.take_gateway_state(message)
    assert device.delivery.ignored == 6
    assert device.delivery.gateway_is_on
