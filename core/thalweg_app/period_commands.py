"""`thalweg periods …`: close a period, list what is closed, show what a closed one holds and what came since."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Any, Final

import typer

from thalweg_app.operating import AsJson, Data, Ecosystem, moment_of, opened_store

periods = typer.Typer(no_args_is_help=True, help="Periods: close one, list the closed ones, show what one holds.")

Start = Annotated[str, typer.Argument(help="ISO 8601 time with offset, on a quarter hour.")]
End = Annotated[str, typer.Argument(help="Likewise; the period ends before it.")]
_MINUTE: Final = "%Y-%m-%d %H:%M"


@periods.command()
def close(start: Start, end: End, data: Data = None, ecosystem: Ecosystem = None) -> None:
    """Freeze what a period holds; what comes later for it is kept apart in its next revision.

    To close it again freezes that too.
    """
    from thalweg_store.closing import period_close  # noqa: PLC0415 - the base installation has no database

    first, last = moment_of(start), moment_of(end)
    with opened_store(data, ecosystem) as opened:
        revision = period_close(opened.database, opened.ecosystem, first, last, datetime.now(UTC))
    typer.echo(f"Closed {_span(first, last)} at revision {revision}.")


@periods.command("list")
def list_periods(data: Data = None, ecosystem: Ecosystem = None, as_json: AsJson = False) -> None:
    """Print the closed periods, earliest first, with the time of each of their closes."""
    from thalweg_store.closed_periods import closed_periods  # noqa: PLC0415 - the base installation has no database

    with opened_store(data, ecosystem) as opened:
        closes = closed_periods(opened.database, opened.ecosystem)
    found = [
        (start, end, [each.closed_at for each in same])
        for (start, end), same in groupby(closes, lambda each: (each.start, each.end))
    ]
    if as_json:
        rows = [
            {"start": start.isoformat(), "end": end.isoformat(), "closed_at": [each.isoformat() for each in moments]}
            for start, end, moments in found
        ]
        typer.echo(json.dumps(rows, indent=1))
        return
    for start, end, moments in found:
        typer.echo(f"{_span(start, end)}  closed at {', '.join(f'{each:{_MINUTE}}' for each in moments)}")
    if not found:
        typer.echo("No period is closed.")


@periods.command()
def show(start: Start, end: End, data: Data = None, ecosystem: Ecosystem = None, as_json: AsJson = False) -> None:
    """Print what each meter measured in a closed period: what each close froze, and what came since.

    Quantities are in the meters' units.
    """
    from thalweg.units import in_unit  # noqa: PLC0415 - the base installation has no database
    from thalweg_store.closed_periods import metered  # noqa: PLC0415

    first, last = moment_of(start), moment_of(end)
    with opened_store(data, ecosystem) as opened:
        held = metered(opened.database, opened.ecosystem, first, last)
    rows: list[dict[str, Any]] = [
        {
            "meter": each.meter.id,
            "name": each.meter.name,
            "unit": each.meter.unit,
            "frozen": [format(in_unit(quantity, each.meter.unit), "f") for quantity in each.frozen],
            "since": format(in_unit(each.since, each.meter.unit), "f"),
        }
        for each in held
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    closes = len(rows[0]["frozen"])
    typer.echo(f"{_span(first, last)}, closed {'once' if closes == 1 else f'{closes} times'}")
    _print("meter", "unit", [*(f"close {number + 1}" for number in range(closes)), "since"])
    for row in rows:
        _print(row["name"], row["unit"], [*row["frozen"], row["since"]])


def _print(name: str, unit: str, numbers: list[str]) -> None:
    typer.echo(f"{name:<32} {unit:<8}" + "".join(f"{number:>16}" for number in numbers))


def _span(start: datetime, end: datetime) -> str:
    return f"{start:{_MINUTE}} to {end:{_MINUTE}} UTC"
