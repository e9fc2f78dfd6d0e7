"""Value nodes: who takes part, as roles of the design or as concrete participants."""

from __future__ import annotations

from enum import StrEnum

from pydantic import StrictBool

from thalweg.design.fields import DecimalText, Id, Name, Part, Positive, Text
from thalweg.design.periods import Period


class NodeKind(StrEnum):
    """What a value node is (Westerlund, Leminen and Rajahonka 2014)."""

    INDIVIDUAL = "individual"
    ORGANISATION = "organisation"
    COMMUNITY = "community"
    ACTIVITY = "activity"
    AUTOMATED_PROCESS = "automated_process"
    SMART_SENSOR = "smart_sensor"
    PREPROGRAMMED_MACHINE = "preprogrammed_machine"
    AVATAR = "avatar"
    GROUP = "group"
    NETWORK = "network"
    NETWORK_GROUP = "network_group"
    MARKET_SEGMENT = "market_segment"


class Purpose(StrEnum):
    """What an organisation works for."""

    COMMERCIAL = "commercial"
    NONPROFIT = "nonprofit"


class Autonomy(StrEnum):
    """Who decides for the node."""

    HUMAN = "human"
    SUPERVISED = "supervised"
    AUTONOMOUS = "autonomous"


class Layer(StrEnum):
    """The layer of the ecosystem that the node belongs to."""

    PLATFORM = "platform"
    COMMUNITY = "community"
    BUSINESS = "business"


class Cost(Part):
    """What a node spends on something that no exchange shows: per period, or per unit of a meter."""

    name: Name
    amount: DecimalText
    """In the design's currency, per period or per unit; each participant that fills the role bears it."""
    per: Period | None = None
    """The period of a fixed cost."""
    meter: Id | None = None
    """The meter of a variable cost."""
    unit: Name | None = None
    """Of a variable cost: the unit that the amount is per; by default the meter's."""


class Node(Part):
    """A value node. Leaves give and receive; parents aggregate.

    A node is a role. Who fills it is decided, in this order, by the device's assignment, by `participant`, by the
    event attribute `from_attribute`; a role that nobody fills is vacant.
    """

    id: Id
    name: Name
    kind: NodeKind
    parent: Id | None = None
    """The node that this one is a part of."""
    participant: Id | None = None
    """The participant that fills the role wherever no assignment says otherwise."""
    from_attribute: Name | None = None
    """The event attribute whose value names the participant, such as a roaming payer."""
    purpose: Purpose | None = None
    """Of an organisation."""
    autonomy: Autonomy = Autonomy.HUMAN
    layer: Layer = Layer.BUSINESS
    count: Positive | None = None
    """Of a market segment: how many members it has."""
    twin_of: Id | None = None
    """Of an avatar: the physical node that it stands for."""
    costs: tuple[Cost, ...] = ()
    replaceable: StrictBool = True
    """False where the ecosystem would be another one without it, so that its loss is no risk to reckon with."""
    description: Text | None = None
