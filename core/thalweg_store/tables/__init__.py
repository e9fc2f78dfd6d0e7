"""The tables. Facts, what is summed from them, and the registry; money is nowhere, it is derived.

Times are aware UTC. Nothing here depends on an extension; `batch` has its time column in its primary key, so that it
can become a hypertable. Reading order: `facts`, `rollups`, `registry`, `refusals`, `foreign`, on `schema`.
"""

from thalweg_store.tables import facts, foreign, logins, refusals, registry, rollups
from thalweg_store.tables.schema import metadata

__all__ = ["facts", "foreign", "logins", "metadata", "refusals", "registry", "rollups"]
