"""What births and last wills say: who is there, how far boots numbered and sealed, what they gave up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

from thalweg_store.facts import BootKey, HeardState
from thalweg_store.ranges import ReceivedRanges


def boots_of(states: Iterable[HeardState]) -> set[BootKey]:
    """Every boot that `states` speak of: their own, the ones before, and those with lost intervals."""
    boots = set()
    for state in states:
        device = state.key.device
        boots.add(state.key)
        boots |= {BootKey(device, boot) for boot, _, _ in state.lost}
        if state.previous is not None:
            boots.add(BootKey(device, state.previous[0]))
    return boots


def hear(connection: Connection, ranges: ReceivedRanges, states: Sequence[HeardState]) -> None:
    """Write `states`, in order; `ranges` has locked every boot of `boots_of`."""
    for state in states:
        boot = ranges[state.key]
        boot.numbered = max(boot.numbered, state.next_seq)
        boot.is_off = not state.is_on
        if state.previous is not None:
            number, sealed = state.previous
            before = ranges[BootKey(state.key.device, number)]
            before.numbered = max(before.numbered, sealed)
            before.sealed = max(before.sealed or 0, sealed)
        for number, first, end in state.lost:
            ranges.give_up(BootKey(state.key.device, number), first, end)
    rows = [
        {
            "device": state.key.device,
            "is_on": state.is_on,
            "boot": state.key.boot,
            "key_version": state.key_version,
            "details": json.dumps(state.details),
            "heard_at": state.heard_at,
        }
        for state in sorted(states, key=lambda each: each.key.device)
    ]
    if rows:
        connection.execute(_HEAR, rows)


_HEAR = text("""
    insert into device_state as s (device, is_on, boot, key_version, details, heard_at)
    values (:device, :is_on, :boot, :key_version, :details ::jsonb, :heard_at)
    on conflict (device) do update
    set is_on = excluded.is_on, boot = excluded.boot, key_version = excluded.key_version,
        heard_at = excluded.heard_at,
        details = case when excluded.is_on then excluded.details else s.details end
""")
