"""The operator's commands on a store: rejections, assignments, keys, periods, retention, epoch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from thalweg.errors import ThalwegError

if TYPE_CHECKING:
    from thalweg_app.store_access import OpenStore
    from thalweg_gateway.replay import Replay

Data = Annotated[
    Path | None,
    typer.Option(help="Folder of a running local system; without it, THALWEG_DATABASE_URL names the store."),
]
Ecosystem = Annotated[str | None, typer.Option(help="The ecosystem's id; needed where there are several.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DeviceId = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")]

rejections = typer.Typer(no_args_is_help=True, help="What was not accepted: list it, replay it after a fix.")
keys = typer.Typer(no_args_is_help=True, help="Device keys: rotate them, say which are compromised.")
store = typer.Typer(no_args_is_help=True, help="The store itself.")
periods = typer.Typer(no_args_is_help=True, help="Periods: close one, so that later facts go to its next revision.")


def mount(app: typer.Typer) -> None:
    """Add these commands to the one `thalweg` command."""
    app.add_typer(rejections, name="rejections")
    app.add_typer(keys, name="keys")
    app.add_typer(store, name="store")
    app.add_typer(periods, name="periods")
    app.command()(assign)
    app.command()(retention)


@rejections.command("list")
def list_rejections(data: Data = None, ecosystem: Ecosystem = None, as_json: AsJson = False) -> None:
    """Print what was not accepted, latest first."""
    from thalweg_store.rejected import list_rejected  # noqa: PLC0415 - the base installation has no database

    with _store(data, ecosystem) as opened:
        rows: list[dict[str, Any]] = [
            {
                "id": each.id,
                "device": each.key.principal,
                "reason": each.key.reason,
                "day": each.key.day.isoformat(),
                "count": each.count,
                "replayed": each.replayed,
                "samples": each.samples,
                "first_seen_at": each.first_seen_at.isoformat(),
                "last_seen_at": each.last_seen_at.isoformat(),
                "topic": each.topic,
                "detail": each.detail,
            }
            for each in list_rejected(opened.database, opened.ecosystem)
        ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        typer.echo("{id:>6}  {day}  {device:<20} {reason:<20} {count:>8}  {detail}".format(**row))


@rejections.command()
def replay(
    reason: Annotated[str | None, typer.Option(help="Only what was rejected for this reason.")] = None,
    number: Annotated[int | None, typer.Option("--id", help="Only this row of the list.")] = None,
    estimate_times: Annotated[
        bool,
        typer.Option(
            "--estimate-times",
            help="Book events from a clock that was ahead as if their batch ended when it was received, as estimates.",
        ),
    ] = False,
    data: Data = None,
    ecosystem: Ecosystem = None,
    as_json: AsJson = False,
) -> None:
    """Send what was rejected the same way again, after a fix; each event is booked once, however often this runs.

    Conflicts are replayed only when --reason or --id names them: that books seqs of which no other batch is known.
    Events whose clock was ahead when they came stay refused, however much time passes, unless --estimate-times.
    """
    from thalweg_store.rejected import list_rejected  # noqa: PLC0415 - the base installation has no database

    with _store(data, ecosystem) as opened:
        replayed = _replay(opened).run(reason=reason, rejection=number, estimate_times=estimate_times)
        left = sum(
            each.count
            for each in list_rejected(opened.database, opened.ecosystem)
            if each.key.reason == "clock_ahead" and number in (None, each.id)
        )
    if as_json:
        answer = {"messages": replayed.messages, "events": replayed.events, "clock_ahead": left}
        typer.echo(json.dumps(answer))
        return
    typer.echo(f"Accepted after all: {replayed.messages} messages, {replayed.events} events of stored batches.")
    if left and reason in (None, "clock_ahead"):
        typer.echo((_BOOKED_IN_PART if estimate_times else _CLOCK_AHEAD).format(left), err=True)


def assign(
    device: DeviceId,
    roles: Annotated[list[str], typer.Argument(metavar="ROLE=PARTICIPANT…", help="A role not named is vacant.")],
    since: Annotated[str, typer.Option("--from", help="ISO 8601 time with offset, also in the past.")],
    data: Data = None,
    ecosystem: Ecosystem = None,
) -> None:
    """Say for whom a device works from an instant on, until its next assignment; what it measured since moves along."""
    pairs = dict(_pair(each) for each in roles)
    with _store(data, ecosystem) as opened:
        opened.registry.assign(opened.ecosystem, device, pairs, _moment(since), datetime.now(UTC))
    typer.echo(f"{device} works from {since} on for {', '.join(roles)}.")


def retention(
    keep_days: Annotated[int, typer.Option(min=1, help="Keep the bytes of batches received within so many days.")],
    data: Data = None,
    ecosystem: Ecosystem = None,
) -> None:
    """Drop the bytes of old batches; their digests, the received ranges and the rollups stay."""
    from thalweg_store.retention import drop_bytes  # noqa: PLC0415 - the base installation has no database

    with _store(data, ecosystem) as opened:
        dropped = drop_bytes(opened.database, opened.ecosystem, timedelta(days=keep_days), datetime.now(UTC))
    typer.echo(f"Dropped the bytes of {dropped} batches.")


@periods.command()
def close(
    start: Annotated[str, typer.Argument(help="ISO 8601 time with offset, on a quarter hour.")],
    end: Annotated[str, typer.Argument(help="Likewise; the period ends before it.")],
    data: Data = None,
    ecosystem: Ecosystem = None,
) -> None:
    """Freeze what a period holds; what comes later for it is kept apart in its next revision."""
    from thalweg_store.closing import period_close  # noqa: PLC0415 - the base installation has no database

    with _store(data, ecosystem) as opened:
        now = datetime.now(UTC)
        revision = period_close(opened.database, opened.ecosystem, _moment(start), _moment(end), now)
    typer.echo(f"Closed at revision {revision}.")


@store.command("new-epoch")
def new_epoch(data: Data = None) -> None:
    """Tell all devices to send again what they still hold, as after a restored backup that nothing else tells."""
    with _store(data, "") as opened:
        epoch = opened.database.begin_epoch()
    typer.echo(f"The store begins epoch {epoch}; gateways notice at their next transaction.")


@keys.command()
def rotate(device: DeviceId, data: Data = None, ecosystem: Ecosystem = None) -> None:
    """Raise a device's key version: provision the device with it; older ones stay valid for what is sealed already."""
    with _store(data, ecosystem) as opened:
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
    with _store(data, ecosystem) as opened:
        opened.registry.compromise_key(opened.ecosystem, device, version, _moment(at))
    typer.echo(f"What {device} signs with key version {version} waits for `thalweg keys release`.")


@keys.command()
def release(
    device: DeviceId,
    version: Annotated[int, typer.Option(help="The compromised key version.")],
    data: Data = None,
    ecosystem: Ecosystem = None,
) -> None:
    """Accept what waits of a compromised key version, once you know that the device itself sent it."""
    with _store(data, ecosystem) as opened:
        released = _replay(opened).release(device, version)
    typer.echo(f"Released {released} messages.")


@keys.command()
def waiting(data: Data = None, ecosystem: Ecosystem = None, as_json: AsJson = False) -> None:
    """Print what waits of compromised key versions; `not_kept`: messages that came while a device had no more room.

    Those are counted each time they come: a device sends them again until they are released and receipted.
    """
    from thalweg_store.quarantine import QUARANTINE_FULL, list_waiting  # noqa: PLC0415 - the base has no database
    from thalweg_store.rejected import list_rejected  # noqa: PLC0415 - likewise

    not_kept: Counter[str] = Counter()
    with _store(data, ecosystem) as opened:
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


#: with the number of events
_CLOCK_AHEAD: Final = (
    "{} events stay refused as clock_ahead: their clock was ahead when they came, which later time does not mend. "
    "--estimate-times books them as if their batch ended when it was received, and marks them as estimates."
)
_BOOKED_IN_PART: Final = (
    "{} events stay refused as clock_ahead: others of their batch are booked by the same clock, and a batch has one."
)


@contextmanager
def _store(data: Path | None, ecosystem: str | None) -> Iterator[OpenStore]:
    try:
        from thalweg_app.store_access import open_store  # noqa: PLC0415 - the base installation has no database
    except ModuleNotFoundError as error:
        typer.echo(f"thalweg: this needs more than is installed ({error.name}): pip install 'thalweg[all]'", err=True)
        raise typer.Exit(2) from None
    try:
        with open_store(data, ecosystem) as opened:
            yield opened
    except ThalwegError as error:
        typer.echo(f"thalweg: {error}", err=True)
        raise typer.Exit(2) from None


def _replay(opened: OpenStore) -> Replay:
    from thalweg_gateway.replay import Replay  # noqa: PLC0415 - the base installation has no database

    return Replay(opened.database, opened.ecosystem, opened.root_key())


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} is no time with an offset, such as 2026-11-24T12:00:00+00:00")
    return moment.astimezone(UTC)


def _pair(text: str) -> tuple[str, str]:
    role, equals, participant = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is no role=participant")
    return role, participant
