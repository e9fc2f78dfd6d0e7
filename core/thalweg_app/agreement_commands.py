"""`thalweg agreement try`: every party's share of one amount, step by step."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from thalweg.errors import ThalwegError

app = typer.Typer(no_args_is_help=True, help="Agreements: how charges are shared.")

_Pairs = list[str] | None


@app.callback()
def agreement() -> None:
    """Agreements: how charges are shared."""


@app.command("try")
def try_agreement(
    file: Annotated[Path, typer.Argument(help="A design, or a document with one agreement or several.")],
    gross: Annotated[str, typer.Option(help="The amount to share, such as 19.99; cumulative for the period.")],
    units: Annotated[_Pairs, typer.Option(help="What a meter counted: name=12, in the meter's unit.")] = None,
    less: Annotated[_Pairs, typer.Option(help="A charge that is taken off before sharing: exchange=2.00.")] = None,
    also: Annotated[
        _Pairs, typer.Option(help="What another agreement that feeds the same pools shares besides: name=5.00.")
    ] = None,
    agreement_id: Annotated[
        str | None, typer.Option("--id", help="Which agreement, where several are more than versions of one.")
    ] = None,
    lifetime: Annotated[str, typer.Option(help="What was shared before this period, in all.")] = "0",
    recouped: Annotated[_Pairs, typer.Option(help="What has been paid back before: account=500.")] = None,
    attribute: Annotated[_Pairs, typer.Option(help="An attribute of the events: name=value.")] = None,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day, for steps that depend on it and for the version in force."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Share an amount by an agreement, and show what each step takes and who gets it."""
    # the base installation has neither YAML nor NumPy
    from thalweg.design.agreement_text import read_agreements  # noqa: PLC0415
    from thalweg_app.agreement_trial import Trial, describe_trial  # noqa: PLC0415

    try:
        trial = Trial(
            gross=gross,
            agreement=agreement_id,
            also=_table(also, "--also"),
            less=_table(less, "--less"),
            units=_table(units, "--units"),
            lifetime=lifetime,
            recouped=_table(recouped, "--recouped"),
            day=None if date is None else date.date(),
            attributes=_table(attribute, "--attribute"),
        )
        description = describe_trial(read_agreements(_text(file)), trial)
    except ThalwegError as error:
        typer.echo(f"thalweg: {file}: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(description, indent=1, ensure_ascii=False))
    else:
        _print(description)


def _table(pairs: Sequence[str] | None, option: str) -> dict[str, str]:
    table = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not (name and equals and value) or name in table:
            raise typer.BadParameter("write name=value, each name once", param_hint=option)
        table[name] = value
    return table


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8 text", param_hint="FILE") from None


def _print(description: dict[str, Any]) -> None:
    from rich import box  # noqa: PLC0415 - comes with Typer, which the base installation lacks
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=not Console().is_terminal)
    currency = description["currency"]
    base = "" if description["base"] == description["gross"] else f", net {description['base']}"
    in_force = f", in force {description['in_force']}" if description["in_force"] else ""
    console.print(f"[bold]{description['agreement']}[/]{in_force}: {description['gross']} {currency}{base}")
    for name, when in description["other_versions"].items():
        console.print(f"[dim]another version, {name}, is in force {when}[/]")
    for name, amount in description["besides"].items():
        together = f"[bold]{name}[/], besides: {amount} {currency}"
        console.print(
            together if amount else f"[dim]{name} feeds the same pools: `--also {name}=…` tries both together[/]"
        )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, justify in (
        ("step", "left"),
        ("takes", "left"),
        ("amount", "right"),
        ("to", "left"),
        ("share", "right"),
    ):
        table.add_column(heading, justify="right" if justify == "right" else "left", no_wrap=heading != "takes")
    table.add_column("left", justify="right", no_wrap=True, style="dim")
    for step in description["steps"]:
        name = step["step"] if step["agreement"] == description["agreement"] else f"{step['agreement']}: {step['step']}"
        for number, (role, share) in enumerate(step["shares"].items()):
            to = f"pool of {role}" if step["pool"] else role
            head = (name, step["takes"], step["amount"]) if number == 0 else ("", "", "")
            table.add_row(*map(escape, head), to, share, step["left"] if number == 0 else "")
    console.print(table)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("party")
    table.add_column(f"share {currency}", justify="right")
    table.add_column("to the minor unit", justify="right")
    for role, share in description["shares"].items():
        table.add_row(role, share, description["settled"][role])
    console.print(table)
    for account, amount in description["outstanding"].items():
        console.print(f"Still to be recouped of {account}: {amount} {currency}")
    for warning in description["warnings"]:
        console.print(f"[yellow]warning[/] {escape(warning)}")
    console.print("[bold]In words[/]")
    for sentence in description["words"]:
        console.print(f"  {escape(sentence)}")
    if description["turning_points"]:
        console.print("[bold]Turning points[/]")
    for sentence in description["turning_points"]:
        console.print(f"  {escape(sentence)}")
