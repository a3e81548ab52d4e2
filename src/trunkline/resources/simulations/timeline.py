"""What happened in a run, as the wire tells it."""

from datetime import UTC, datetime

from trunkline.resources.simulations.happenings import Called, Happenings, Said
from trunkline.resources.simulations.matching import described
from trunkline.resources.simulations.schemas import TimelineItem
from trunkline.resources.simulations.text_level import CUT_OFF
from trunkline.voice.conversation.events import EndReason

_ENDED = {
    EndReason.AGENT_ENDED.value: "The agent ended the call.",
    EndReason.HUMAN_ENDED.value: "The persona ended the call.",
}


def of_event(event: Said | Called, at: datetime) -> TimelineItem:
    """A turn or a call that happened then."""
    if isinstance(event, Called):
        return _item("bot", "action", described(event), at)
    return _item("bot" if event.who == "agent" else "human", "message", event.text, at)


def of_ending(happened: Happenings, max_turns: int, at: datetime) -> list[TimelineItem]:
    """To whom the caller was passed on, and how the talk ended."""
    passed = [f"The caller was passed to {target}." for target in happened.transfers or ()]
    reason = happened.end_reason
    if reason == CUT_OFF or not reason:
        how = f"The call was ended after {max_turns} turns of each side."
    elif reason == EndReason.TRANSFERRED.value and passed:
        return [_item("system", "event", each, at) for each in passed]
    else:
        how = _ENDED.get(reason, f"The call ended: {reason}.")
    return [_item("system", "event", each, at) for each in (*passed, how)]


def now() -> datetime:
    """The moment of what happens now."""
    return datetime.now(UTC)


def _item(sender: str, kind: str, value: str, at: datetime) -> TimelineItem:
    return TimelineItem.model_validate(
        {
            "sender_type": sender,
            "type": kind,
            "value": value,
            "timestamp_datetime": at.isoformat(),
            "timestamp": f"{at.timestamp():.3f}",
        }
    )
