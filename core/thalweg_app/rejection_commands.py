"""`thalweg rejections …`: what was not accepted, and replaying it after a fix."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer

from thalweg_app.operating import AsJson, Data, Ecosystem, opened_store, replay_of

rejections = typer.Typer(no_args_is_help=True, help="What was not accepted: list it, replay it after a fix.")
#: with the number of events
_CLOCK_AHEAD: Final = (
    "{} events stay refused as clock_ahead: their clock was ahead when they came, which later time does not mend. "
    "--estimate-times books them as if their batch ended when it was received, and marks them as estimates."
)
_BOOKED_IN_PART: Final = (
    "{} events stay refused as clock_ahead: others of their batch are booked by the same clock, and a batch has one."
)


@rejections.command("list")
def list_rejections(data: Data = None, ecosystem: Ecosystem = None, as_json: AsJson = False) -> None:
    """Print what was not accepted, latest first."""
    from thalweg_store.rejected import list_rejected  # noqa: PLC0415 - the base installation has no database

    with opened_store(data, ecosystem) as opened:
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

    with opened_store(data, ecosystem) as opened:
        replayed = replay_of(opened).run(reason=reason, rejection=number, estimate_times=estimate_times)
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
