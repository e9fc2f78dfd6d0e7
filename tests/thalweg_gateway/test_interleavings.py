"""Whatever happens in whatever order, the store holds what one scan over its batches finds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thalweg.design import content_hash, load
from thalweg.examples import text
from thalweg.wire.batch import Event
from thalweg_gateway.commit import Committer, StaleDirectoryError
from thalweg_gateway.intake import KeyRing
from thalweg_gateway.parking_end import expire_parking
from thalweg_gateway.pipeline import Pipeline
from thalweg_gateway.replay import Replay
from thalweg_store.closing import period_close
from thalweg_store.database import Database
from thalweg_store.registry import Registry
from worlds.gateway import (
    DEVICE,
    ECOSYSTEM,
    NOON_MS,
    ROOT_KEY,
    MemorySource,
    World,
    charge,
    make_pipeline,
    make_world,
    occupancy,
)
from worlds.oracle import received_events, scan, stored_fates, stored_rollups

pytestmark = pytest.mark.slow

#: the hours around it hold every event and every close; off the quarter hours by some minutes
NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)
HOUR = NOON.replace(minute=0, second=0, microsecond=0)
DESIGN = text("ev-charging")
DESIGNS = [
    DESIGN,
    DESIGN.replace("unit: Wh\n    group_by", "unit: Wh\n    where: quantity > 3\n    group_by"),
    DESIGN.replace(
        'value: "1"\n    unit: count\n    group_by', "value: attributes.seconds\n    unit: count\n    group_by"
    ),
]
#: batch → (boot, number of events, minutes between them); the last boot has no clock at first
BOOTS = {7: 6, 8: 4, 9: 3}
UNSYNCHRONISED = 9


def events_of(boot: int, number: int) -> list[Event]:
    if boot == UNSYNCHRONISED:
        return [charge(number + 2, at_ms=60_000 * (11 * number + step)) for step in (0, 4)]
    at_ms = NOON_MS - 40 * 60_000 + 60_000 * (9 * number + boot)
    odd = Event(at_ms, "charging.session", 5, False, {"emsp": "volt-pass"})  # no seconds: the third design refuses it
    return [charge(number + 2, at_ms=at_ms), occupancy(at_ms + 60_000), Event(at_ms, "water", 1), odd]


BATCHES = [(boot, number) for boot, count in BOOTS.items() for number in range(count)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(BATCHES), st.integers(0, 1)),
        st.tuples(st.just("send"), st.sampled_from(BATCHES), st.integers(0, 1)),
        st.tuples(st.just("close"), st.integers(-1, 1)),
        st.tuples(st.just("assign"), st.integers(-70, 70), st.sampled_from(["mall-42", "library", ""])),
        st.tuples(st.just("activate"), st.integers(0, len(DESIGNS) - 1)),
        st.tuples(st.just("clock")),
        st.tuples(st.just("expire")),
        st.tuples(st.just("replay"), st.sampled_from([None, "unmeasurable", "conflict"])),
    ),
    min_size=4,
    max_size=22,
)


class Story:
    """One order of things that happen."""

    def __init__(self, database: Database) -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql("truncate ecosystem, device, batch, meter, rejection restart identity cascade")
        self.world: World = make_world(database)
        self.database = database
        self.registry = Registry(database)
        self.registry.ensure_ecosystem(ECOSYSTEM, "EV test", {"mall-42": "Mall 42", "library": "Library"})
        self.pipelines = [self.world.pipeline, make_pipeline(self.world.source, database, "gateway-2")]
        self.committer = Committer(database, ECOSYSTEM, KeyRing(ROOT_KEY, ECOSYSTEM), "gateway-3")
        quality = {boot: int(boot != UNSYNCHRONISED) for boot in BOOTS}
        self.payloads = {
            (boot, number): self.world.batch(*events_of(boot, number), boot=boot, time_quality=quality[boot])
            for boot, number in BATCHES
        }

    def send(self, batch: tuple[int, int], gateway: int) -> None:
        self.world.send(self.payloads[batch])
        self.pipelines[gateway].step()

    def close(self, hours: int) -> None:
        start = HOUR + timedelta(hours=hours)
        period_close(self.database, ECOSYSTEM, start, start + timedelta(hours=1), datetime.now(UTC))

    def assign(self, minutes: int, host: str) -> None:
        valid_from = NOON + timedelta(minutes=minutes)
        roles = {"host": host} if host else {}
        self.registry.assign(ECOSYSTEM, DEVICE, roles, valid_from, datetime.now(UTC))

    def activate(self, number: int) -> None:
        document = DESIGNS[number]
        self.registry.activate_design(ECOSYSTEM, document, content_hash(load(document)), datetime.now(UTC))

    def clock(self) -> None:
        up = 90 * 60_000
        self.world.send_state(state="on", boot=UNSYNCHRONISED, next=6, up=up, now=NOON_MS + up, q=1)
        self.pipelines[0].step()

    def expire(self) -> None:
        later = datetime.now(UTC) + timedelta(hours=25)
        self._insist(partial(expire_parking, self.database, self.committer, "gateway-3", later))

    def replay(self, reason: str | None) -> None:
        Replay(self.database, ECOSYSTEM, ROOT_KEY).run(reason=reason)

    def _insist(self, act: Callable[[], object]) -> None:
        try:
            act()
        except StaleDirectoryError:
            self.committer.forget_view()
            act()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_interleaving_gives_the_rollups_of_a_scan_from_scratch(database: Database, steps: list[tuple]) -> None:
    story = Story(database)
    for name, *arguments in steps:
        getattr(story, name)(*arguments)
    rollups, fates = scan(database, ECOSYSTEM)
    assert stored_rollups(database) == rollups
    stored = stored_fates(database)
    assert {fate: stored.get(fate, 0) for fate in fates} == fates
    assert set(stored) - set(fates) <= {"rejected"}
    assert sum(stored.values()) == received_events(database), "mapped + unmapped + rejected + parked = received"


def test_gateways_that_book_while_everything_around_them_changes_leave_what_a_scan_finds(database: Database) -> None:
    story = Story(database)
    sources = []
    for instance in ("gateway-a", "gateway-b", "gateway-c"):
        source = MemorySource()
        for payload in story.payloads.values():  # each gateway gets every batch
            source.put(story.world.topic, payload)
        sources.append((source, make_pipeline(source, database, instance)))

    def work(source: MemorySource, pipeline: Pipeline) -> None:
        messages, source.waiting = source.waiting, []
        for message in messages:
            source.waiting = [message]
            pipeline.step()

    threads = [threading.Thread(target=work, args=each) for each in sources]
    for thread in threads:
        thread.start()
    for number in range(6):
        story.activate(number % 3)
        story.assign(7 * number - 20, ["mall-42", "library"][number % 2])
        story.close(0)
    story.clock()
    for thread in threads:
        thread.join()
    assert [len(source.committed) for source, _ in sources] == [len(BATCHES)] * 3
    rollups, fates = scan(database, ECOSYSTEM)
    assert stored_rollups(database) == rollups
    assert stored_fates(database) | fates == stored_fates(database)
    assert sum(stored_fates(database).values()) == received_events(database) == 6 * 4 + 4 * 4 + 3 * 2
