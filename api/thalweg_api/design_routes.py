"""Routes about value designs: the document that figures follow, its earlier versions, its schema."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool

from thalweg.design import Design
from thalweg.design.text import parse
from thalweg.errors import UnknownEcosystem
from thalweg_api.auth import DatabaseDep, EcosystemDep
from thalweg_api.design_schemas import DesignAnswer, DesignVersionInfo
from thalweg_api.problems import NOT_ANSWERED, QuestionError
from thalweg_api.schemas import DesignRef
from thalweg_store.database import Database
from thalweg_store.designs import design_versions

router = APIRouter(prefix="/api/v1")


@router.get("/design-schema")
async def design_schema() -> dict[str, Any]:
    """JSON Schema of the value design document."""
    return Design.model_json_schema()


@router.get("/ecosystems/{ecosystem}/designs")
async def designs(ecosystem: EcosystemDep, database: DatabaseDep) -> list[DesignVersionInfo]:
    """Every version of the design that was ever in force, oldest first."""
    return [info for info, _ in await run_in_threadpool(_versions, database, ecosystem)]


@router.get("/ecosystems/{ecosystem}/design", responses=NOT_ANSWERED)
async def design(
    ecosystem: EcosystemDep,
    database: DatabaseDep,
    version: Annotated[int | None, Query(description="by default the one in force")] = None,
) -> DesignAnswer:
    """The design in force, whole: ids, names and terms of nodes, drivers, meters, exchanges, agreements, extracts."""
    found = await run_in_threadpool(_versions, database, ecosystem)
    for info, document in reversed(found):
        if version in (None, info.design.version):
            return DesignAnswer(**dict(info), document=document)
    raise QuestionError(f"`version`: there is no version {version}, only 1 to {len(found)}.")


def _versions(database: Database, ecosystem: str) -> list[tuple[DesignVersionInfo, dict[str, Any]]]:
    """Raises UnknownEcosystem where no design was ever in force."""
    found = list(_read(database, ecosystem))
    if not found:
        raise UnknownEcosystem(ecosystem)
    return found


def _read(database: Database, ecosystem: str) -> Iterator[tuple[DesignVersionInfo, dict[str, Any]]]:
    versions = design_versions(database, ecosystem)
    for each, following in zip_longest(versions, versions[1:]):
        document = _written(each.document)
        ref = DesignRef(id=document["id"], version=each.version, hash=each.hash, name=document["name"])
        until = following.activated_at if following else None
        yield DesignVersionInfo(design=ref, in_force_from=each.activated_at, in_force_until=until), document


@lru_cache(maxsize=64)
def _written(document: str) -> dict[str, Any]:
    """What the text says, whether today's rules allow it or not."""
    return parse(document)
