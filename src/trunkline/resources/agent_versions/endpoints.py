"""`/trunkline/v1/agents/{model_id}/versions`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import Caller, Transaction, keyed_router
from trunkline.platform.http.pagination import Items, NumberedPage, items_of
from trunkline.platform.http.scopes import Scope
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.agent_versions.models import AgentVersion
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agent_versions.schemas import Changed, VersionDiff, VersionListItem, VersionOut
from trunkline.resources.agent_versions.service import AgentVersions
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository

router = keyed_router("/trunkline/v1/agents/{model_id}/versions", "Agent versions", Scope.ASSISTANTS)


def _versions(session: Transaction, caller: Caller) -> AgentVersions:
    return AgentVersions(
        AgentVersionRepository(session, caller.workspace_id),
        AgentRepository(session, caller.workspace_id),
        ActionRepository(session, caller.workspace_id),
    )


Service = Annotated[AgentVersions, Depends(_versions)]


@router.get("")
async def list_agent_versions(model_id: str, page: NumberedPage, versions: Service) -> Items[VersionListItem]:
    """Every write of an agent made one; newest first."""
    agent, found = await versions.page(model_id, page.limit, page.offset)
    return items_of([_listed(version, agent) for version in found], agent.version, page)


@router.get("/{version}")
async def get_agent_version(model_id: str, version: str, versions: Service) -> VersionOut:
    """One version with all that the agent was."""
    agent, found = await versions.get(model_id, version)
    return VersionOut(**_listed(found, agent).model_dump(), content=found.content)


@router.get("/{version}/diff")
async def diff_agent_versions(
    model_id: str, version: str, versions: Service, against: str | None = None
) -> VersionDiff:
    """What this version changed: against the one before, or against any other."""
    former, found, changes = await versions.diff(model_id, version, against)
    return VersionDiff(
        from_version=str(former),
        to_version=str(found.n),
        changes=[Changed(path=each.path, before=each.before, after=each.after) for each in changes],
    )


@router.post("/{version}/restore")
async def restore_agent_version(model_id: str, version: str, versions: Service) -> VersionListItem:
    """Make the agent what it was: a new version with the content of this one. Calls that are on keep theirs."""
    agent, newest = await versions.restore(model_id, version)
    return _listed(newest, agent)


def _listed(version: AgentVersion, agent: Agent) -> VersionListItem:
    return VersionListItem(
        version=str(version.n),
        name=version.content["name"],
        is_live=version.n == agent.version,
        restored_from=None if version.restored_from is None else str(version.restored_from),
        created_at=version.created_at.isoformat(),
    )
