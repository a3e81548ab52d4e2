"""One good body of each type of action."""

from typing import Any

CUSTOM: dict[str, Any] = {"http_mode": "POST", "url": "https://example.com/x", "name": "look_up"}
TRANSFER: dict[str, Any] = {
    "transfer_mode": "cold_transfer",
    "phone": "+14155550111",
    "instructions": "When asked for a person.",
    "initiating_msg": "One moment.",
}
SMS: dict[str, Any] = {"content": "Hi {name}", "instructions": "At the end."}
CALCOM: dict[str, Any] = {"event_id": "7", "user_email": "a@example.com"}
GHL: dict[str, Any] = {"calendar_id": "c", "autoconfirm": "new", "booking_title": "Visit"}
BOOKING: dict[str, Any] = {"first_appt_date": "2026-12-01", "timezone": "Europe/Berlin", "CALCOM": CALCOM}
HOURS: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "active": True,
    "schedule": [{"weekday": "monday", "interval": [{"from": "09:00", "to": "17:00"}]}],
}

BODIES: dict[str, dict[str, Any]] = {
    "CUSTOM_ACTION": CUSTOM,
    "LIVE_TRANSFER": TRANSFER,
    "SEND_SMS": SMS,
    "INCALL_SMS": {"message_body": "Hello"},
    "INCALL_WHATSAPP": {"content_sid": "HX123"},
    "REAL_TIME_BOOKING": BOOKING,
    "INFORMATION_EXTRACTOR": {"YES_NO": {"identifier": "wants more", "description": "Wants more?"}},
    "CUSTOM_EVAL": {"question": {"identifier": "polite", "text": "Was the agent polite?"}},
}
