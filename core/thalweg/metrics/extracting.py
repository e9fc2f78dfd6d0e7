"""The figures of an extract: its own part of the flows, at the zoom levels that it names."""

from __future__ import annotations

from collections.abc import Iterable

from thalweg.costs import NodeCost
from thalweg.design.document import Design, Extract
from thalweg.design.extracts import required_closure
from thalweg.design.forest import Forest
from thalweg.metrics.adding_up import figures_of
from thalweg.metrics.evidence import Evidence
from thalweg.metrics.figures import Figures, NodeKey
from thalweg.rating import Flow


def extract_figures(
    design: Design,
    extract: Extract,
    flows: Iterable[Flow],
    *,
    costs: Iterable[NodeCost] = (),
    evidence: Evidence | None = None,
) -> Figures:
    """The figures of `extract` and of all that its monetised exchanges depend on, by role; parents are seen as one.

    Shares that no exchange is drawn for go with the charge that they are shares of. Only costs of its nodes count.
    """
    closure = required_closure(design, extract)
    charged = {agreement.id: agreement.on for agreement in design.agreements}
    drawn = {exchange.id for exchange in design.exchanges}
    leaves = set(Forest(design.nodes).leaves)

    def belongs(flow: Flow) -> bool:
        along = flow.exchange if flow.exchange in drawn else charged.get(flow.agreement or "")
        return along in closure.exchanges

    return figures_of(
        design,
        filter(belongs, flows),
        NodeKey.ROLE,
        cut=set(extract.nodes) - leaves,
        costs=[cost for cost in costs if cost.role in closure.nodes],
        evidence=evidence,
    )
