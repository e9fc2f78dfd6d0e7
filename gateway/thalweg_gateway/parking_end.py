"""The end of waiting for a clock: what a boot without one sent is booked after a day, at estimated times."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from thalweg_gateway.booking import Booking
from thalweg_gateway.commit import Committer, device_of
from thalweg_gateway.intake import read_again
from thalweg_store.database import Database
from thalweg_store.flows import FlowNumbers
from thalweg_store.ingest import ingest
from thalweg_store.measuring import uptime_bound_ms
from thalweg_store.parking import boots_parked_before

#: how long the batches of a boot wait for its clock
PARKING: Final = timedelta(hours=24)


def expire_parking(database: Database, committer: Committer, instance: str, now: datetime) -> int:
    """Book what has waited for a clock for 24 hours, at the latest times that are possible; number of batches.

    One offset serves all of a boot's batches that are due, so their distances stay. Raises StaleDirectoryError.
    """
    view = committer.view()
    booked = 0
    for key in boots_parked_before(database, committer.ecosystem, now - PARKING):
        booking = Booking(view.meters)
        with ingest(database, instance, FlowNumbers()) as transaction:
            committer.check(transaction, view)
            transaction.lock([key])
            parked = transaction.parked(key)
            due = [each for each in parked if each.batch.received_at < now - PARKING]
            device = device_of(view.directory, key.device)
            waiting = [(each, read_again(each.batch, device, committer.ecosystem)) for each in due]
            bounds = [
                uptime_bound_ms(batch.decoded, batch.facts.received_at)
                for _, batch in waiting
                if batch.decoded is not None
            ]
            for stored, batch in waiting:
                booking.unpark(stored, batch, min(bounds))
            left = [each.batch.received_at for each in parked[len(due) :]]
            transaction.boot(key).parked_since = min(left, default=None)
            committer.book(transaction, booking, view, now, booking.panes)
        booked += len(due)
    return booked
