"""Many batches decoded at once, by columns, in whichever form each of them is: what `forms.decode` says of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thalweg.integer_columns import Places
from thalweg.wire import json_columns, packed_columns
from thalweg.wire.columns import Columns
from thalweg.wire.definitions import DefinitionTables
from thalweg.wire.forms import is_json


def decode(batches: Sequence[bytes]) -> Columns:
    """The events of `batches`. Proves nothing: verify the batches first."""
    tables = DefinitionTables()
    texts = [place for place, batch in enumerate(batches) if is_json(batch)]
    if not texts:
        return packed_columns.decode(batches, tables)
    if len(texts) == len(batches):
        return json_columns.decode(batches, tables)
    are_texts = np.zeros(len(batches), np.bool_)
    are_texts[texts] = True
    others = np.flatnonzero(~are_texts)
    packed = packed_columns.decode([batches[place] for place in others.tolist()], tables)
    json = json_columns.decode([batches[place] for place in texts], tables)
    return _interleaved(packed, others, json, np.array(texts, np.intp))


def _interleaved(packed: Columns, others: Places, json: Columns, texts: Places) -> Columns:
    """Both in the order of the batches; the tables of `json` continue those of `packed`."""
    batch = np.concatenate((others[packed.batch], texts[json.batch]))
    order = np.argsort(batch, kind="stable")
    first_string = np.empty(len(others) + len(texts), np.intp)
    first_string[others], first_string[texts] = packed.first_string, json.first_string

    def by_row(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate((one, other))[order]

    problems = [*zip(others[list(packed.problems)].tolist(), packed.problems.values(), strict=True)]
    problems += zip(texts[list(json.problems)].tolist(), json.problems.values(), strict=True)
    return Columns(
        problems=dict(problems),
        shapes=json.shapes,
        strings=json.strings,
        batch=batch[order],
        offset=by_row(packed.offset, json.offset),
        at_ms=by_row(packed.at_ms, json.at_ms),
        quantity=by_row(packed.quantity, json.quantity),
        shape=by_row(packed.shape, json.shape),
        numbers=np.concatenate((packed.numbers, json.numbers)),
        first_value=by_row(packed.first_value, json.first_value + len(packed.numbers)),
        first_string=first_string,
        string_places=json.string_places,
    )
