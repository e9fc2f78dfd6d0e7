"""The operator's commands on a store: assignments, retention, epoch; with those on periods, rejections and keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from thalweg_app.key_commands import keys
from thalweg_app.operating import Data, DeviceId, Ecosystem, moment_of, opened_store
from thalweg_app.period_commands import periods
from thalweg_app.rejection_commands import rejections

store = typer.Typer(no_args_is_help=True, help="The store itself.")


def mount(app: typer.Typer) -> None:
    """Add these commands to the one `thalweg` command."""
    app.add_typer(rejections, name="rejections")
    app.add_typer(keys, name="keys")
    app.add_typer(store, name="store")
    app.add_typer(periods, name="periods")
    app.command()(assign)
    app.command()(retention)


def assign(
    device: DeviceId,
    roles: Annotated[list[str], typer.Argument(metavar="ROLE=PARTICIPANT…", help="A role not named is vacant.")],
    since: Annotated[str, typer.Option("--from", help="ISO 8601 time with offset, also in the past.")],
    data: Data = None,
    ecosystem: Ecosystem = None,
) -> None:
    """Say for whom a device works from an instant on, until its next assignment; what it measured since moves along."""
    pairs = dict(_pair(each) for each in roles)
    with opened_store(data, ecosystem) as opened:
        opened.registry.assign(opened.ecosystem, device, pairs, moment_of(since), datetime.now(UTC))
    typer.echo(f"{device} works from {since} on for {', '.join(roles)}.")


def retention(
    keep_days: Annotated[int, typer.Option(min=1, help="Keep the bytes of batches received within so many days.")],
    data: Data = None,
    ecosystem: Ecosystem = None,
) -> None:
    """Drop the bytes of old batches; their digests, the received ranges and the rollups stay."""
    from thalweg_store.retention import drop_bytes  # noqa: PLC0415 - the base installation has no database

    with opened_store(data, ecosystem) as opened:
        dropped = drop_bytes(opened.database, opened.ecosystem, timedelta(days=keep_days), datetime.now(UTC))
    typer.echo(f"Dropped the bytes of {dropped} batches.")


@store.command("new-epoch")
def new_epoch(data: Data = None) -> None:
    """Tell all devices to send again what they still hold, as after a restored backup that nothing else tells."""
    with opened_store(data, "") as opened:
        epoch = opened.database.begin_epoch()
    typer.echo(f"The store begins epoch {epoch}; gateways notice at their next transaction.")


def _pair(text: str) -> tuple[str, str]:
    role, equals, participant = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is no role=participant")
    return role, participant
