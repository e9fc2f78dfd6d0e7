"""The money exchanges along which an agreement's payee pays the recipients."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from thalweg.design.document import Design
from thalweg.design.exchanges import Exchange, Medium


def drawn_between(
    payee: str, recipient: str, exchanges: Iterable[Exchange], charged: Collection[str]
) -> list[Exchange]:
    """The money exchanges from `payee` to `recipient` that no tariff charges: they are for shares."""
    return [
        exchange
        for exchange in exchanges
        if exchange.is_money and (exchange.source, exchange.target) == (payee, recipient) and exchange.id not in charged
    ]


def all_exchanges(design: Design) -> dict[str, Exchange]:
    """Every exchange that a flow may name, by id: those of the document, then the implied ones."""
    exchanges = {exchange.id: exchange for exchange in design.exchanges}
    for agreement in design.agreements:
        payee = exchanges[agreement.on].target
        for step in agreement.steps:
            for recipient in step.weights:
                if recipient != payee:
                    exchange = share_exchange(design, payee, recipient)
                    exchanges.setdefault(exchange.id, exchange)
    return exchanges


def share_exchange(design: Design, payee: str, recipient: str) -> Exchange:
    """The exchange along which `payee` pays `recipient` a share: the drawn one, else one implied by the agreement.

    Implied ids begin with `_`, which no id of a document can.
    """
    drawn = drawn_between(payee, recipient, design.exchanges, {tariff.on for tariff in design.tariffs})
    if drawn:
        return drawn[0]
    return Exchange.model_construct(
        id=f"_share.{payee}.{recipient}",
        name=f"Share of {recipient}",
        source=payee,
        target=recipient,
        object="share of charges",
        medium=Medium.MONEY,
    )
