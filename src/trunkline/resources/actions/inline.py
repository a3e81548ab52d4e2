"""Actions in the body of an agent, as that agent has them in a talk; nothing is stored."""

from collections.abc import Sequence
from uuid import uuid4

from trunkline.resources.actions.planning import phase
from trunkline.resources.actions.service import named, settings_of
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.actions.writes import InlineAction


def planned(items: Sequence[str | InlineAction]) -> tuple[PlannedAction, ...]:
    """In their order. A text is the id of a stored action, of which nothing is known here: it is left out."""
    return tuple(_planned(item) for item in items if isinstance(item, InlineAction))


def _planned(item: InlineAction) -> PlannedAction:
    settings = settings_of(item.body)
    name, description = named(item.kind, settings, item.name or "")
    mapping = [each.model_dump(exclude_none=True) for each in item.input_variables_mapping or ()]
    return PlannedAction(
        id=uuid4(),
        type=item.kind,
        name=name,
        description=description,
        settings=settings,
        phase=phase(item.kind, settings, item.attachment_type),
        trigger_condition=item.trigger_condition or "",
        mapping=tuple(mapping),
    )
