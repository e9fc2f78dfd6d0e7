"""A design in words, for people: what `thalweg design show` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from thalweg_app.design_tables import terminal


def print_design(answer: Mapping[str, Any]) -> None:
    """The design by its pillars, with terms, chains and extracts."""
    console = terminal()
    console.print(f"[bold]{escape(answer['name'])}[/] ({answer['id']}), {answer['currency']}, {escape(answer['zone'])}")
    console.print(f"[dim]{answer['hash']}[/]")
    _print_worded(console, "Nodes", answer["nodes"])
    if answer["outside"]:
        console.print(f"  outside: {', '.join(answer['outside'])}")
    _print_worded(console, "Drivers", answer["drivers"])
    console.print("[bold]Exchanges[/]")
    for exchange in answer["exchanges"]:
        console.print(f"  [bold]{exchange['id']}[/]: {escape(exchange['words'])}")
        for tariff in exchange["tariffs"]:
            console.print(f"    {tariff['id']}: {escape('; '.join(tariff['words']))}")
    if answer["agreements"]:
        console.print("[bold]Agreements[/]")
    for agreement in answer["agreements"]:
        console.print(f"  [bold]{agreement['id']}[/]")
        for sentence in agreement["words"]:
            console.print(f"    {escape(sentence)}")
    console.print(
        f"[bold]Chains[/]{'' if answer['are_chains_declared'] else ' (none declared: interfaces, and exchanges)'}"
    )
    for chain in answer["chains"]:
        _print_chain(console, chain)
    console.print("[bold]Extracts[/]")
    for extract in answer["extracts"]:
        _print_extract(console, extract)


def _print_worded(console: Console, heading: str, parts: Iterable[Mapping[str, str]]) -> None:
    console.print(f"[bold]{heading}[/]")
    for part in parts:
        console.print(f"  [bold]{part['id']}[/]: {escape(part['name'])}; {escape(part['words'])}")


def _print_chain(console: Console, chain: Mapping[str, Any]) -> None:
    for number, way in enumerate(chain["ways"]):
        trigger = f", set in motion by {way['trigger']}" if way["trigger"] else ""
        fallback = f", worth {way['fallback']} as a fallback" if way["fallback"] is not None else ""
        name = f"[bold]{escape(way['id'])}[/]" if number == 0 else f"  or {escape(way['id'])}"
        console.print(f"  {name}: {', '.join(way['exchanges'])}{escape(trigger)}{fallback}")
        console.print(f"    [dim]needs {', '.join(way['needs'])}[/]")


def _print_extract(console: Console, extract: Mapping[str, Any]) -> None:
    console.print(f"  [bold]{extract['id']}[/]: {escape(extract['name'])}")
    console.print(f"    names {', '.join(extract['nodes'])}; {', '.join(extract['exchanges'])}")
    more = [
        *sorted(set(extract["closure"]["exchanges"]) - set(extract["exchanges"])),
        *sorted(set(extract["closure"]["nodes"]) - set(extract["nodes"])),
    ]
    console.print(f"    depends besides on: {', '.join(more) or 'nothing'}")
    core = "nothing is paid for" if extract["core"] is None else ", ".join(extract["core"])
    console.print(f"    core (80 % of what is paid for, when each meter counts one unit): {escape(core)}")
