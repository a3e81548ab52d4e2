"""Every router of the API, in the order in which paths are matched: the narrower before the wider."""

from trunkline.resources.actions import endpoints as actions
from trunkline.resources.agent_versions import endpoints as agent_versions
from trunkline.resources.agents import endpoints as agents
from trunkline.resources.analytics import endpoints as analytics
from trunkline.resources.batches import endpoints as batches
from trunkline.resources.calls import controlling, watching
from trunkline.resources.calls import endpoints as calls
from trunkline.resources.carriers import endpoints as carriers
from trunkline.resources.chats import endpoints as chats
from trunkline.resources.contacts import endpoints as contacts
from trunkline.resources.knowledge import endpoints as knowledge
from trunkline.resources.knowledge import watching as knowledge_watching
from trunkline.resources.limits import endpoints as limits
from trunkline.resources.media_calls import endpoints as media_calls
from trunkline.resources.memory import endpoints as memory
from trunkline.resources.messages import endpoints as messages
from trunkline.resources.numbers import endpoints as numbers
from trunkline.resources.phone_books import endpoints as phone_books
from trunkline.resources.simulations import endpoints as simulations
from trunkline.resources.subaccounts import endpoints as subaccounts
from trunkline.resources.tool_servers import endpoints as tool_servers
from trunkline.resources.trunks import endpoints as trunks
from trunkline.resources.voices import endpoints as voices
from trunkline.resources.webhooks import delivery_endpoints as deliveries
from trunkline.resources.webhooks import endpoints as webhooks
from trunkline.resources.workspaces import endpoints as workspaces
from trunkline.resources.workspaces import key_endpoints as keys

ROUTERS = (
    agents.router,
    agent_versions.router,
    batches.router,
    media_calls.router,
    calls.router,
    calls.announcing_router,
    controlling.router,
    watching.router,
    numbers.router,
    trunks.router,
    carriers.router,
    messages.router,
    actions.router,
    webhooks.router,
    deliveries.router,
    deliveries.secret_router,
    phone_books.router,
    contacts.router,
    memory.router,
    knowledge.router,
    knowledge_watching.router,
    voices.router,
    simulations.router,
    chats.router,
    tool_servers.router,
    analytics.router,
    subaccounts.router,
    limits.router,
    workspaces.router,
    workspaces.secrets_router,
    keys.router,
)
