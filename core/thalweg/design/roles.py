"""Who fills a role at the time of measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from thalweg.design.fields import ID_PATTERN
from thalweg.design.nodes import Node

#: what is due to a vacant role is booked to this and the role's id; no participant's id can look like it
SUSPENSE: Final = "suspense:"

_ID: Final = re.compile(ID_PATTERN)


def participant_of(node: Node, assigned: Mapping[str, str], attributes: Mapping[str, str]) -> str:
    """The participant that fills the role `node`.

    In this order: the device's assignment (`assigned`: role → participant), the participant that the design fixes, the
    event attribute that names one, provided that its value is an id; else the role is vacant: `suspense:<role>`.
    """
    if node.id in assigned:
        return assigned[node.id]
    if node.participant is not None:
        return node.participant
    named = attributes.get(node.from_attribute, "") if node.from_attribute is not None else ""
    return named if _ID.fullmatch(named) else f"{SUSPENSE}{node.id}"
