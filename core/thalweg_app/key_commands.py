"""`thalweg keys …`: rotating device keys, and what compromised ones signed."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any

import typer

from thalweg_app.operating import AsJson, Data, DeviceId, Ecosystem, moment_of, opened_store, replay_of

keys = typer.Typer(no_args_is_help=True, help="Device keys: rotate them, say which are compromised.")


@keys.command()
def rotate(device: DeviceId, data: Data = None, ecosystem: Ecosystem = None) -> None:
    """Raise a device's key version: provision the device with it; older ones stay valid for what is sealed already."""
    with opened_store(data, ecosystem) as opened:
        version = opened.registry.rotate_key(opened.ecosystem, device)
    typer.echo(f"{device} has key version {version} now.")


@keys.command()
def compromise(
    device: DeviceId,
    version: Annotated[int, typer.Option(help="The key version that others may know.")],
    at: Annotated[str, typer.Option(help="Since when: ISO 8601 time with offset.")],
    data: Data = None,
    ecosystem: Ecosystem = None,
) -> None:
    """Hold what is signed with a key version and was received since then, until you release it."""
    with opened_store(data, ecosystem) as opened:
        opened.registry.compromise_key(opened.ecosystem, device, version, moment_of(at))
    typer.echo(f"What {device} signs with key version {version} waits for `thalweg keys release`.")


@keys.command()
def release(
    device: DeviceId,
    version: Annotated[int, typer.Option(help="The compromised key version.")],
    data: Data = None,
    ecosystem: Ecosystem = None,
) -> None:
    """Accept what waits of a compromised key version, once you know that the device itself sent it."""
    with opened_store(data, ecosystem) as opened:
        released = replay_of(opened).release(device, version)
    typer.echo(f"Released {released} messages.")


@keys.command()
def waiting(data: Data = None, ecosystem: Ecosystem = None, as_json: AsJson = False) -> None:
    """Print what waits of compromised key versions; `not_kept`: messages that came while a device had no more room.

    Those are counted each time they come: a device sends them again until they are released and receipted.
    """
    from thalweg_store.quarantine import QUARANTINE_FULL, list_waiting  # noqa: PLC0415 - the base has no database
    from thalweg_store.rejected import list_rejected  # noqa: PLC0415 - likewise

    not_kept: Counter[str] = Counter()
    with opened_store(data, ecosystem) as opened:
        for each in list_rejected(opened.database, opened.ecosystem):
            if each.key.reason == QUARANTINE_FULL:
                not_kept[each.key.principal] += each.count
        rows: list[dict[str, Any]] = [
            {
                "device": each.device,
                "key_version": each.key_version,
                "messages": each.messages,
                "first_received_at": each.first_received_at.isoformat(),
                "not_kept": not_kept[each.device],
            }
            for each in list_waiting(opened.database, opened.ecosystem)
        ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        line = "{device:<20} version {key_version:<3} {messages:>6} since {first_received_at}  {not_kept} not kept"
        typer.echo(line.format(**row))
