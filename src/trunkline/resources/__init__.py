"""The product's nouns, one folder each, the same rooms in each.

Rows refer to each other by foreign key, so all of them are known to the mapper as soon as one noun is imported.
"""

import trunkline.resources.actions.models
import trunkline.resources.agent_versions.models
import trunkline.resources.agents.models
import trunkline.resources.batches.models
import trunkline.resources.calls.models
import trunkline.resources.chats.models
import trunkline.resources.contacts.models
import trunkline.resources.knowledge.models
import trunkline.resources.limits.models
import trunkline.resources.memory.models
import trunkline.resources.messages.models
import trunkline.resources.numbers.models
import trunkline.resources.phone_books.models
import trunkline.resources.simulations.models
import trunkline.resources.tool_servers.models
import trunkline.resources.trunks.models
import trunkline.resources.webhooks.models
import trunkline.resources.workspaces.models  # noqa: F401 the import is what is wanted
