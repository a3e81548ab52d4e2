"""The product's nouns, one folder each, the same rooms in each.

Rows refer to each other by foreign key, so all of them are known to the mapper as soon as one noun is imported.
"""

from trunkline.resources.agents import models as agents
from trunkline.resources.calls import models as calls
from trunkline.resources.numbers import models as numbers
from trunkline.resources.workspaces import models as workspaces

ROWS = (agents, calls, numbers, workspaces)
"""The modules that hold the tables."""
