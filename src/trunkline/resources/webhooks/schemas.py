"""Logs of outgoing requests, and deliveries, on the wire."""

from datetime import datetime
from typing import Any

from trunkline.platform.http.wire import Json, Wire
from trunkline.resources.webhooks.backoff import DeliveryState
from trunkline.resources.webhooks.filters import LogMethod, LogStatus
from trunkline.resources.webhooks.record import WebhookKind


class LogError(Wire):
    """What these operations answer instead of the usual error."""

    error: str
    """One word for programs: `forbidden`, `not_found` or `validation_error`."""
    message: str


class WebhookLogListItem(Wire):
    """A log in a list."""

    webhook_log_id: str
    request_timestamp: str
    model_id: str
    status: LogStatus
    webhook_url: str
    response_status_code: int | None
    http_method: LogMethod


class RequestOrigin(Wire):
    """Who sent it: we did, through nobody."""

    user_agent: str
    x_forwarded_for: str | None
    x_real_ip: str | None


class WebhookLogOut(Wire):
    """One log. Secrets in headers, addresses and queries are masked."""

    webhook_log_id: str
    webhook_type: WebhookKind
    webhook_url: str
    call_id: str
    """"" for a test run."""
    model_id: str
    workspace_id: str
    action_id: str | None
    request_timestamp: str
    attempt_number: int
    """From 1; each attempt is a log of its own."""
    request_headers: dict[str, Any]
    request_payload: dict[str, Any]
    request_query_params: dict[str, Any]
    request_origin: RequestOrigin
    response_timestamp: str | None
    response_status_code: int | None
    response_headers: dict[str, Any] | None
    response_payload: dict[str, Any] | None
    response_ttfb_ms: int | None
    response_size_total: int | None
    response_size_body: int | None
    duration_ms: int | None
    status: LogStatus
    error_message: str | None
    flow_location: dict[str, Any] | None
    """Where in a flow it was sent; null without one."""


class DeliveryListItem(Wire):
    """A webhook that was or is to be delivered."""

    id: str
    """The `webhook-id` of every attempt."""
    kind: WebhookKind
    call_id: str | None
    model_id: str | None
    url: str
    """Without secrets."""
    state: DeliveryState
    attempts: int
    created_at: datetime
    attempted_at: datetime | None
    next_attempt_at: datetime | None
    """Of a pending one; not before."""
    ended_at: datetime | None
    answer_status: int | None
    """Of the last attempt that was answered."""
    error: str | None
    """Why the last attempt failed."""


class DeliveryOut(DeliveryListItem):
    """A delivery with what it carries."""

    payload: Json


class WebhookSecretOut(Wire):
    """What webhooks are signed with."""

    secret: str
    """`whsec_` and 32 bytes in base64: as it stands for `Synthflow-Signature`, decoded for `webhook-signature`."""
    rotated_at: datetime
    former_signs_until: datetime | None
