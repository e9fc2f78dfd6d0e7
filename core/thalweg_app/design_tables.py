"""What is found about designs, for people: problems, changes, distances, versions, and what-if."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

#: a value that is longer is cut; `--json` has all of it
_LONGEST: Final = 60
_SIGNS: Final = {"added": "[green]+[/]", "removed": "[red]-[/]", "changed": "[yellow]~[/]"}
_PARTS: Final = {"distance": "whole", "exchanges": "one half", "elements": "three tenths", "terms": "one fifth"}


def terminal() -> Console:
    """Where results are printed; what is no terminal gets whole lines."""
    return Console(highlight=False, soft_wrap=not Console().is_terminal)


def print_validity(name: str, answer: Mapping[str, Any]) -> None:
    """Problems; or that there are none, warnings and completeness."""
    console = terminal()
    problems = answer["problems"]
    if problems:
        console.print(f"[bold red]{escape(name)}[/]: {len(problems)} problem{'s' * (len(problems) > 1)}")
        _print_problems(console, problems)
        return
    console.print(f"[bold green]{escape(name)}[/]: sound; {escape(answer['name'])} ({answer['hash']})")
    if answer["warnings"]:
        console.print("[bold]Warnings[/]")
        _print_problems(console, answer["warnings"])
    console.print("[bold]Completeness[/]")
    for pillar, score in answer["completeness"].items():
        console.print(f"  {pillar}: {score['score']}")
        for element, lack in score["missing"].items():
            console.print(f"    {escape(element)} {escape(lack)}")


def print_changes(answer: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """What changed, by pillar."""
    console = terminal()
    if not any(answer.values()):
        console.print("Nothing changed.")
    for pillar, found in answer.items():
        if found:
            console.print(f"[bold]{pillar}[/]")
        for change in found:
            name = change["section"] if change["id"] is None else f"{change['section']} {change['id']}"
            console.print(f"  {_SIGNS[change['change']]} {escape(name)}: {change['change']}")
            for field in change["fields"]:
                place = f"{field['path']}: " if field["path"] else ""
                console.print(f"      {escape(place)}{escape(_short(field['from']))} → {escape(_short(field['to']))}")


def print_distance(answer: Mapping[str, str]) -> None:
    """The distance and what it is made of."""
    table = _table(("", "left"), ("0 same, 1 nothing in common", "right"), ("weight", "left"))
    for name, figure in answer.items():
        table.add_row(name, figure, _PARTS[name])
    terminal().print(table)


def print_versions(answer: Iterable[Mapping[str, Any]]) -> None:
    """One row for each version."""
    table = _table(("version", "right"), ("from", "left"), ("until", "left"), ("hash", "left"))
    for each in answer:
        table.add_row(str(each["version"]), each["from"], each["until"] or "in force", each["hash"])
    terminal().print(table)


def print_simulation(answer: Mapping[str, Any]) -> None:
    """What everybody would have captured, and the verdicts."""
    console = terminal()
    names = (answer["design"]["name"], answer["against"]["name"])
    console.print(
        f"[bold]{escape(names[0])}[/] against [bold]{escape(names[1])}[/], {answer['from']} to {answer['to']}"
    )
    table = _table((f"captured, {answer['currency']}", "left"), *((name, "right") for name in ("old", "new", "delta")))
    for participant, three in answer["participants"].items():
        table.add_row(escape(participant), three["old"], three["new"], three["delta"])
    created = answer["created"]
    table.add_row("[bold]value created[/]", created["old"], created["new"], created["delta"])
    console.print(table)
    for exchange, demand in answer["demand"].items():
        console.print(
            f"{escape(exchange)}: price times {demand['price_ratio']}, demand times {demand['demand_ratio']} "
            f"(elasticity {demand['elasticity']})"
        )
    console.print(f"winners {answer['winners']}, losers {answer['losers']}, distance {answer['distance']}")
    console.print(f"Pareto improvement: {_yes(answer['pareto_improvement'])}")
    console.print(f"Kaldor-Hicks improvement: {_yes(answer['kaldor_hicks_improvement'])}")
    if answer["scanned_meters"]:
        console.print(f"measured anew from stored events: {escape(', '.join(answer['scanned_meters']))}")
    console.print(f"result: {answer['result_hash']}")


def _print_problems(console: Console, problems: Iterable[Mapping[str, str]]) -> None:
    for each in problems:
        console.print(f"  [bold]{escape(each['path'] or 'document')}[/]: {escape(each['message'])}")
        console.print(f"    → {escape(each['remedy'])}")


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, justify in columns:
        table.add_column(escape(heading), justify="right" if justify == "right" else "left", no_wrap=True)
    return table


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"
