"""From facts to the overview: tiles, value map, shares, silent devices."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from thalweg.metrics import METRICS, Figures, Value
from thalweg.money import format_minor, settle
from thalweg_api import schemas
from thalweg_api.figures import Facts, seconds
from thalweg_api.problems import UnknownParticipantError
from thalweg_api.unrated import without_price
from thalweg_api.value_map import map_flows, map_nodes
from thalweg_store.reading import RECENT

_DESIGN_FIGURES = ("m1", "m6", "m9", "m35", "m47", "m48")
_MINUTES = RECENT.total_seconds() // 60


def overview_of(facts: Facts, view: str | None) -> schemas.Overview:
    """The overview of `facts` as `view` (a participant) sees it; raises UnknownParticipantError."""
    if view is not None and view not in participants_of(facts):
        raise UnknownParticipantError(f"no participant {view!r} takes part in {facts.ecosystem.id!r}")
    shares = shares_of(facts)
    flows = map_flows(facts)
    return schemas.Overview(
        as_of=as_of(facts),
        window=schemas.Window(name=facts.span.name, start=facts.span.start, end=facts.span.end),
        view=view,
        tiles=_tiles(facts, view),
        nodes=map_nodes(facts, flows),
        flows=flows,
        gross=sum((share.settled for share in shares), Decimal(0)),
        shares=shares,
        metrics=[design_figure(facts, metric) for metric in _DESIGN_FIGURES],
        silent=_silent(facts),
        devices=len(facts.devices),
        unrated=without_price(facts.names, facts.flows),
    )


def as_of(facts: Facts) -> schemas.AsOf:
    """The committed state that all figures of an answer come from."""
    return schemas.AsOf(
        commit=facts.watermark.commit, changes=facts.watermark.changes, at=facts.watermark.at, computed_at=facts.now
    )


def participants_of(facts: Facts) -> dict[str, list[str]]:
    """Every participant that is registered, fixed by the design, or took part in the window: id → roles."""
    roles: defaultdict[str, set[str]] = defaultdict(set)
    for participant in facts.ecosystem.participants:
        roles[participant] |= set()
    for node in facts.design.nodes:
        if node.participant:
            roles[node.participant].add(node.id)
    for device in facts.devices:
        for role, participant in device.roles.items():
            roles[participant].add(role)
    for role, participant in facts.flows.paths.parties:
        roles[participant].add(role)
    return {participant: sorted(roles[participant]) for participant in sorted(roles)}


def design_figure(facts: Facts, metric_id: str) -> schemas.Figure:
    """A metric of the design, with its value in the window before."""
    function = METRICS[metric_id].of_design
    assert function is not None, metric_id
    previous = function(facts.before) if facts.before is not None else None
    return _figure(facts, metric_id, function(facts.figures), previous)


def node_figure(facts: Facts, metric_id: str, participant: str) -> schemas.Figure:
    """A metric of a participant, with its value in the window before."""
    function = METRICS[metric_id].of_node
    assert function is not None, metric_id
    previous = function(facts.before, participant) if facts.before is not None else None
    return _figure(facts, metric_id, function(facts.figures, participant), previous)


def shares_of(facts: Facts) -> list[schemas.Share]:
    """Participants with a positive net share of the gross, largest first."""
    gains = money_gains(facts.figures)
    settled = settle(gains)
    roles = participants_of(facts)
    return [
        schemas.Share(
            participant=participant,
            name=facts.names.participant(participant),
            roles=roles.get(participant, []),
            exact=facts.money(gains[participant]),
            settled=Decimal(format_minor(settled[participant], facts.design.currency)),
            share=node_figure(facts, "m7", participant),
        )
        for participant in sorted(gains, key=lambda each: (-gains[each], each))
    ]


def money_gains(figures: Figures) -> dict[str, int]:
    """Participant → what it keeps of the gross, in atoms; only those who keep something."""
    return {node: account.net_cash for node, account in figures.accounts.items() if account.net_cash > 0}


def _figure(facts: Facts, metric_id: str, value: Value, previous: Value | None) -> schemas.Figure:
    unit = METRICS[metric_id].unit
    return schemas.Figure(
        metric=metric_id,
        value=value.value,
        unit=facts.design.currency if unit == "money" else unit,
        reason=value.reason,
        previous=previous.value if previous else None,
    )


def _tiles(facts: Facts, view: str | None) -> list[schemas.Tile]:
    if view is None:
        headline = [
            schemas.Tile(id="created", label="Value created", figure=design_figure(facts, "m1")),
            schemas.Tile(id="gross", label="Paid by final payers", figure=design_figure(facts, "m6")),
            schemas.Tile(id="concentration", label="Concentration of revenue", figure=design_figure(facts, "m9")),
            schemas.Tile(id="coverage", label="Events that count", figure=design_figure(facts, "m35")),
        ]
    else:
        headline = [
            schemas.Tile(id="captured", label="You capture", figure=node_figure(facts, "m2", view)),
            schemas.Tile(id="net_cash", label="Your net cash", figure=node_figure(facts, "m3", view)),
            schemas.Tile(id="share", label="Your share of all value", figure=node_figure(facts, "m4", view)),
            schemas.Tile(id="capture_ratio", label="Captured per contributed", figure=node_figure(facts, "m5", view)),
        ]
    silent = sum(facts.is_silent(device) for device in facts.devices)
    return [
        *headline,
        schemas.Tile(
            id="events_per_minute", label="Events a minute", figure=_events_per_minute(facts), note=_delay_note(facts)
        ),
        schemas.Tile(id="silent", label="Silent devices", figure=_count("silent_devices", silent)),
    ]


def _events_per_minute(facts: Facts) -> schemas.Figure:
    return _count("events_per_minute", Decimal(facts.recent_events) / int(_MINUTES))


def _count(name: str, value: Decimal | int) -> schemas.Figure:
    return schemas.Figure(metric=name, value=Decimal(value), unit="count")


def _delay_note(facts: Facts) -> str:
    if facts.recent_delay is not None:
        return f"{round(seconds(facts.recent_delay.p50))} s behind"
    return "catching up on older events" if facts.recent_events else "none in the last 5 minutes"


def _silent(facts: Facts) -> list[schemas.SilentDevice]:
    """Never heard first, then the longest silent first."""
    silent = [
        schemas.SilentDevice(
            device=device.name,
            name=device.name,
            owner=facts.names.participant(device.operator),
            last_heard=device.heard_at,
            silent_seconds=int((facts.now - device.heard_at).total_seconds()) if device.heard_at else None,
        )
        for device in facts.devices
        if facts.is_silent(device)
    ]
    return sorted(silent, key=lambda each: (each.silent_seconds is not None, -(each.silent_seconds or 0), each.device))
