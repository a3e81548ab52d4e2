"""`/trunkline/v1/workspace` and `/trunkline/v1/secrets`."""

from trunkline.errors import NotFound
from trunkline.platform.http.context import Caller, Parts, Transaction, keyed_router
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import StatusOnly, done
from trunkline.resources.workspaces import repository, secrets
from trunkline.resources.workspaces.models import WorkspaceSecret
from trunkline.resources.workspaces.schemas import (
    GhlAccount,
    SecretList,
    SecretOut,
    ServiceKey,
    TwilioAccount,
    WorkspaceOut,
)

router = keyed_router("/trunkline/v1", "Workspaces", None)
secrets_router = keyed_router("/trunkline/v1/secrets", "Secrets", Scope.WORKSPACE)


@router.get("/workspace")
async def get_workspace(caller: Caller, session: Transaction) -> WorkspaceOut:
    """The workspace of the key: its id is what `workspace_id` of other operations wants."""
    workspace = await repository.get_workspace(session, caller.workspace_id)
    if workspace is None:
        raise NotFound("The workspace of this key is gone.")
    return WorkspaceOut(id=str(workspace.id), name=workspace.name)


@secrets_router.get("")
async def list_secrets(caller: Caller, session: Transaction) -> SecretList:
    """Which secrets are set, and since when."""
    since = {row.name: row.updated_at for row in await secrets.stored(session, caller.workspace_id)}
    shown = [SecretOut(name=name, set=name in since, updated_at=since.get(name)) for name in secrets.NAMES]
    return SecretList(secrets=shown)


@secrets_router.put("/twilio")
async def put_twilio_secret(
    body: TwilioAccount, caller: Caller, session: Transaction, parts: Parts
) -> SecretOut:
    """Set the account of Twilio."""
    value = body.model_dump()
    return _shown(await secrets.store(session, parts.secrets, caller.workspace_id, "twilio", value))


@secrets_router.put("/ghl")
async def put_ghl_secret(body: GhlAccount, caller: Caller, session: Transaction, parts: Parts) -> SecretOut:
    """Set the account of GoHighLevel."""
    value = body.model_dump(exclude_none=True)
    return _shown(await secrets.store(session, parts.secrets, caller.workspace_id, "ghl", value))


@secrets_router.put("/{name}")
async def put_secret(
    name: str, body: ServiceKey, caller: Caller, session: Transaction, parts: Parts
) -> SecretOut:
    """Set the key of deepgram, elevenlabs or calcom."""
    value = body.model_dump()
    return _shown(await secrets.store(session, parts.secrets, caller.workspace_id, _known(name), value))


@secrets_router.delete("/{name}")
async def delete_secret(name: str, caller: Caller, session: Transaction) -> StatusOnly:
    """Take a secret away."""
    if not await secrets.remove(session, caller.workspace_id, _known(name)):
        raise NotFound(f"The secret {name} is not set.")
    return done()


def _known(name: str) -> secrets.Name:
    for known in secrets.NAMES:
        if known == name:
            return known
    raise NotFound(f"There is no secret {name}; there are {', '.join(secrets.NAMES)}.")


def _shown(row: WorkspaceSecret) -> SecretOut:
    return SecretOut(name=_known(row.name), set=True, updated_at=row.updated_at)
