"""The money exchanges along which an agreement's payee pays the recipients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from thalweg.design.agreements import recipients_of
from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange, Medium

#: (payee, recipient), both roles
Ends = tuple[str, str]


def drawn_shares(exchanges: Iterable[Exchange], charged: Collection[str]) -> Mapping[Ends, list[Exchange]]:
    """The drawn money exchanges that no tariff charges, and that are therefore for shares, by their ends."""
    drawn: defaultdict[Ends, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        if exchange.is_money and exchange.id not in charged:
            drawn[exchange.source, exchange.target].append(exchange)
    return dict(drawn)


def share_exchanges(design: Design) -> Mapping[Ends, Exchange]:
    """The exchange along which each payee of an agreement pays each recipient: the drawn one, else an implied one.

    What goes through another agreement's pool is paid by the payee too. A payee pays itself along none. Implied ids
    begin with `_`, which no id of a document can.
    """
    payees = {exchange.id: exchange.target for exchange in design.exchanges}
    names = {node.id: node.name for node in design.nodes}
    drawn = drawn_shares(design.exchanges, {tariff.on for tariff in design.tariffs})
    return {
        (payee, recipient): drawn[payee, recipient][0]
        if (payee, recipient) in drawn
        else _implied(payee, recipient, names[recipient])
        for agreement in design.agreements
        if agreement.on is not None
        for payee in [payees[agreement.on]]
        for recipient in sorted(recipients_of(agreement, design.agreements))
        if recipient != payee
    }


def all_exchanges(design: Design) -> dict[str, Exchange]:
    """Every exchange that a flow may name, by id: those of the document, then the implied ones."""
    paid_along = {exchange.id: exchange for exchange in share_exchanges(design).values()}
    return {exchange.id: exchange for exchange in design.exchanges} | paid_along


def _implied(payee: str, recipient: str, name: str) -> Exchange:
    return Exchange.model_construct(
        id=f"_share.{payee}.{recipient}",
        name=f"Share of {name}",
        source=payee,
        target=recipient,
        object="share of charges",
        medium=Medium.MONEY,
    )
