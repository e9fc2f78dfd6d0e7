"""One window of one ecosystem, as a question sees it: from rollups to figures, at the zoom level that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple

from thalweg.costs import node_costs
from thalweg.design import Design
from thalweg.design.document import Extract
from thalweg.design.forest import Forest
from thalweg.errors import DesignError
from thalweg.flows import Flows
from thalweg.metrics import Evidence, Figures, NodeKey, extract_figures, figures_of
from thalweg.plan import DesignPlan
from thalweg.quantities import Quantities
from thalweg.rating import rate
from thalweg_api.metric_schemas import Zoom
from thalweg_api.names import Names
from thalweg_api.plans import design_of, meters_of, plan_of
from thalweg_api.problems import QuestionError
from thalweg_api.questions import Interval, Question
from thalweg_store.evidence_reading import EvidenceReading
from thalweg_store.reading import Watermark
from thalweg_store.register import Ecosystem

_KEYS: Final = {Zoom.PARTICIPANT: NodeKey.PARTICIPANT, Zoom.ROLE: NodeKey.ROLE}


class Measured(NamedTuple):
    """What a window held."""

    quantities: Quantities
    flows: Flows


class Study:
    """Measures windows under one design as a question asks. Everything comes from the snapshot of `reading`.

    Raises UnknownEcosystem, and QuestionError for what the design does not have.
    """

    def __init__(self, reading: EvidenceReading, question: Question, now: datetime) -> None:
        self.reading = reading
        self.question = question
        self.now = now
        self.about: Ecosystem = self.reading.ecosystem()
        self.watermark: Watermark = self.reading.watermark()
        self.subject = Subject.of(self.about.design_document, question)
        self.measured_since = self.reading.measured_since(self.subject.meters)
        self.interval = question.asked_interval(now, self.measured_since)

    @cached_property
    def assignments(self) -> Mapping[int, Mapping[str, str]]:
        """Every assignment's roles (role → participant), by assignment id."""
        return self.reading.assignments()

    @property
    def names(self) -> Names:
        """What participants and the parts of the design are called."""
        return Names(self.subject.design, self.about.participants)

    def measured(self, interval: Interval, subject: Subject | None = None) -> Measured:
        """What the window held, under the design in force or another; raises OutsideCoverage."""
        subject = subject or self.subject
        plan, start, end = subject.plan, *interval
        quantities = self.reading.quantities(start, end, meters=subject.meters, by_bucket=plan.needs_buckets)
        opening = Quantities.of(())
        if start is not None and plan.has_state:
            opening = self.reading.quantities(plan.opening(start), start, by_bucket=True)
        return Measured(quantities, rate(plan, quantities, self.assignments, opening))

    def figures(
        self,
        interval: Interval,
        evidence: Evidence | None = None,
        *,
        subject: Subject | None = None,
        measured: Measured | None = None,
    ) -> Figures:
        """The figures of the window; `measured`, where it is known already."""
        subject = subject or self.subject
        measured = measured or self.measured(interval, subject)
        design, ends = subject.design, interval.ends
        costs = node_costs(design, measured.quantities, self.assignments, ends) if ends and subject.has_costs else ()
        evidence = replace(evidence or Evidence(), window=ends)
        if subject.extract is not None:
            return extract_figures(design, subject.extract, measured.flows, costs=costs, evidence=evidence)
        key = _KEYS[self.question.zoom]
        return figures_of(design, measured.flows, key, cut=self.question.cut, costs=costs, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Subject:
    """A design, as far as a question needs it."""

    design: Design
    plan: DesignPlan
    meters: frozenset[str]
    extract: Extract | None

    @classmethod
    def of(cls, document: str, question: Question) -> Subject:
        """The subject of a document; raises QuestionError where it lacks the extract, or cannot be cut so."""
        design = design_of(document)
        try:
            Forest(design.nodes).cut(question.cut)
        except DesignError as error:
            raise QuestionError(f"`cut`: {error}.") from error
        return cls(design, plan_of(document), meters_of(document), _extract(design, question.extract))

    @property
    def has_costs(self) -> bool:
        """Whether some node spends on what no exchange shows."""
        return any(node.costs for node in self.design.nodes)


def _extract(design: Design, extract: str | None) -> Extract | None:
    found = next((each for each in design.extracts if each.id == extract), None)
    if extract is not None and found is None:
        known = ", ".join(each.id for each in design.extracts)
        raise QuestionError(f"The design {design.id!r} has no extract {extract!r}: ask for one of {known}.")
    return found
