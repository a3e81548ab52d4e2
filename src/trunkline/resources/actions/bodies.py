"""What each type of action consists of (contract, section 7.2).

Of each type one class holds all members, none of them required: an update. The class of a whole action narrows it
by what is required and by defaults; what an update makes of a stored action is read as that again.
"""

import json
import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from trunkline.platform.http.wire import WireInput
from trunkline.resources.actions.custom_body import Line, Text
from trunkline.resources.agents.settings import Timezone
from trunkline.resources.agents.vocabulary import DEFAULT_TIMEZONE
from trunkline.resources.calls import phone
from trunkline.resources.holes import HOLE
from trunkline.resources.weekly_hours import WeeklyHours

_EXTENSION = re.compile(r"[0-9*#]{1,32}")
_TONES = re.compile(r"[0-9A-Da-d*#,wW]*")

# ---- LIVE_TRANSFER -------------------------------------------------------------------------------------


def _destination(value: str) -> str:
    """A number, a SIP URI, an extension, or holes that a call fills. Raises ValueError."""
    value = value.strip()
    if _EXTENSION.fullmatch(value) or (HOLE.search(value) and "\n" not in value and "\r" not in value):
        return value
    try:
        return phone.target(phone.plain(value))
    except ValueError as error:
        raise ValueError(f"{error}, or an extension such as 1001") from None


def _tones(value: str) -> str:
    if not _TONES.fullmatch(value):
        raise ValueError("must be digits, *, #, A to D, or a comma for a pause")
    return value


class HumanAvailability(WireInput):
    """Hours in which there is somebody to transfer to."""

    timezone: Timezone = DEFAULT_TIMEZONE
    schedule: WeeklyHours
    unavailable_message: str | None = None
    active: bool


class SipHeader(WireInput):
    """A header of the INVITE (ours); the value may hold holes such as `{name}`."""

    name: Annotated[str, Field(pattern=r"^X-[A-Za-z0-9\-_]+$", max_length=128)]
    value: Annotated[Line, Field(max_length=1024)]


class LiveTransfer(WireInput):
    """A transfer to a person; exactly one of `phone` and `phone_book_id`. An update needs the same four members."""

    transfer_mode: Literal["cold_transfer", "warm_transfer", "warm_transfer_with_context"]
    phone: Annotated[str, AfterValidator(_destination)] | None = None
    phone_book_id: str | None = None
    instructions: str
    """When to transfer."""
    initiating_msg: str
    """Said to the caller."""
    message_to_transfer_target: str | None = None
    summarization_prompt: str | None = None
    goodbye_msg: str | None = None
    failed_msg: str | None = None
    digits: Annotated[str, AfterValidator(_tones), Field(max_length=64)] | None = None
    """The extension to dial once somebody has picked up."""
    timeout: Annotated[int, Field(ge=5, le=300)] = 30
    """Seconds to wait for pick-up."""
    stop_recording_after_transfer: bool | None = None
    human_detection: bool | None = None
    human_detection_timeout_seconds: Annotated[int, Field(ge=30, le=1800)] | None = None
    preserve_caller_id: bool | None = None
    screened: bool | None = None
    human_availability: HumanAvailability | None = None
    enable_background_music: bool | None = None
    sip_headers: list[SipHeader] | None = None
    release_media: bool | None = None
    """Let both sides talk without us once they are joined, where their systems can (ours; warm modes over SIP)."""

    @model_validator(mode="after")
    def _one_destination(self) -> Self:
        if (self.phone is None) == (self.phone_book_id is None):
            raise ValueError("send exactly one of phone and phone_book_id")
        return self


# ---- messages ------------------------------------------------------------------------------------------

ReplyTimeout = Annotated[int, Field(ge=1, le=3600)]
"""Seconds."""


class SendSmsUpdate(WireInput):
    """A text message."""

    content: Text | None = None
    instructions: str | None = None
    """When to send it."""


class SendSms(SendSmsUpdate):
    """A whole text message."""

    content: Text
    instructions: str


class IncallSmsUpdate(WireInput):
    """A text message during the call."""

    message_body: Text | None = None
    wait_for_reply: bool | None = None
    timeout_seconds: ReplyTimeout | None = None
    fallback_message: str | None = None
    message_before_action: str | None = None


class IncallSms(IncallSmsUpdate):
    """A whole text message during the call."""

    message_body: Text
    wait_for_reply: bool = False


ContentSid = Annotated[str, Field(pattern=r"^HX")]


class IncallWhatsappUpdate(WireInput):
    """A WhatsApp message during the call, from a template that was approved."""

    content_sid: ContentSid | None = None
    content_variables: dict[str, str] | None = None
    wait_for_reply: bool | None = None
    timeout_seconds: ReplyTimeout | None = None
    fallback_message: str | None = None


class IncallWhatsapp(IncallWhatsappUpdate):
    """A whole WhatsApp message during the call."""

    content_sid: ContentSid
    wait_for_reply: bool = False


# ---- REAL_TIME_BOOKING ---------------------------------------------------------------------------------

AtMostThree = Annotated[int, Field(ge=1, le=3)]
Count = Annotated[int, Field(ge=0, le=8760)]


class BookingCalcomUpdate(WireInput):
    """Booking at Cal.com."""

    integration: Literal["GMeet", "Zoom"] | None = None
    sms_boolean: bool | None = None
    sms_message: str | None = None
    user_email: Text | None = None


class BookingCalcom(BookingCalcomUpdate):
    """A whole booking at Cal.com."""

    event_id: Text
    sms_boolean: bool = False
    user_email: Text


class BookingGhlUpdate(WireInput):
    """Booking at GoHighLevel."""

    autoconfirm: Literal["confirmed", "new"] | None = None
    booking_title: Text | None = None


class BookingGhl(BookingGhlUpdate):
    """A whole booking at GoHighLevel."""

    calendar_id: Text
    autoconfirm: Literal["confirmed", "new"]
    booking_title: Text


class BookingUpdate(WireInput):
    """Finding and taking a time in a calendar."""

    first_appt_date: date | None = None
    max_time_slots: AtMostThree | None = None
    min_hours_diff: Count | None = None
    """Hours from now to the first slot."""
    no_of_days: Annotated[int, Field(ge=1, le=366)] | None = None
    timezone: Timezone | None = None
    CALCOM: BookingCalcomUpdate | None = None
    GHL: BookingGhlUpdate | None = None


class Booking(BookingUpdate):
    """A whole booking; exactly one of `CALCOM` and `GHL`."""

    first_appt_date: date
    max_time_slots: AtMostThree = 3
    min_hours_diff: Count = 3
    no_of_days: Annotated[int, Field(ge=1, le=366)] = 3
    timezone: Timezone
    CALCOM: BookingCalcom | None = None
    GHL: BookingGhl | None = None

    @model_validator(mode="after")
    def _one_calendar(self) -> Self:
        if (self.CALCOM is None) == (self.GHL is None):
            raise ValueError("send exactly one of CALCOM and GHL")
        return self


# ---- INFORMATION_EXTRACTOR -----------------------------------------------------------------------------

ExtractorType = Literal["YES_NO", "SINGLE_CHOICE", "OPEN_QUESTION"]
EXTRACTOR_TYPES: tuple[ExtractorType, ...] = ("YES_NO", "SINGLE_CHOICE", "OPEN_QUESTION")


class YesNo(WireInput):
    """A question that is answered by yes or no."""

    identifier: Text
    description: str | None = None


class SingleChoice(YesNo):
    """A question with a list of answers."""

    choices: list[str] | None = None


class OpenQuestion(YesNo):
    """A question with any answer."""

    examples: list[str] | None = None


class Extractor(WireInput):
    """Exactly one question about the conversation."""

    YES_NO: YesNo | None = None
    SINGLE_CHOICE: SingleChoice | None = None
    OPEN_QUESTION: OpenQuestion | None = None

    @property
    def questions(self) -> dict[ExtractorType, YesNo]:
        """Those that were sent, by type."""
        sent = {name: getattr(self, name) for name in EXTRACTOR_TYPES}
        return {name: question for name, question in sent.items() if question is not None}

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if len(self.questions) != 1:
            raise ValueError(f"send exactly one of {', '.join(EXTRACTOR_TYPES)}")
        return self


class ExtractorUpdate(Extractor):
    """Flat, for the question that is there; or nested, like a new one."""

    identifier: Text | None = None
    description: str | None = None
    choices: list[str] | None = None
    examples: list[str] | None = None

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if len(self.questions) > 1:
            raise ValueError(f"send at most one of {', '.join(EXTRACTOR_TYPES)}")
        return self


# ---- CUSTOM_EVAL ---------------------------------------------------------------------------------------


def _as_text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, bool | int) else value


class EvalQuestion(WireInput):
    """What is judged after the call."""

    identifier: str | None = None
    text: Text
    category: Literal["pass_fail", "numeric", "descriptive", "likert_scale"] = "pass_fail"
    expected_result: Annotated[str, BeforeValidator(_as_text)] | None = None

    @model_validator(mode="after")
    def _expected(self) -> Self:
        expected = self.expected_result
        if expected is None:
            return self
        if self.category == "pass_fail" and expected not in ("true", "false"):
            raise ValueError('expected_result must be "true" or "false" for category pass_fail')
        if self.category == "numeric" and expected not in map(str, range(1, 11)):
            raise ValueError("expected_result must be 1 to 10 for category numeric")
        return self


class CustomEval(WireInput):
    """An evaluation of one's own."""

    question: EvalQuestion
