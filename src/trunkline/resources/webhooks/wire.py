"""How a log's row is shown."""

from uuid import UUID

from trunkline.platform.outbound.client import USER_AGENT
from trunkline.resources.webhooks.models import WebhookLog
from trunkline.resources.webhooks.schemas import RequestOrigin, WebhookLogListItem, WebhookLogOut


def shown_in_list(log: WebhookLog) -> WebhookLogListItem:
    """A log in a list."""
    return WebhookLogListItem.model_validate(
        {
            "webhook_log_id": str(log.id),
            "request_timestamp": log.requested_at.isoformat(),
            "model_id": _id(log.agent_id),
            "status": log.status,
            "webhook_url": log.url,
            "response_status_code": log.answer_status,
            "http_method": log.method,
        }
    )


def shown(log: WebhookLog) -> WebhookLogOut:
    """One log."""
    headers = {name.lower(): value for name, value in log.request_headers.items()}
    return WebhookLogOut.model_validate(
        {
            "webhook_log_id": str(log.id),
            "webhook_type": log.kind,
            "webhook_url": log.url,
            "call_id": _id(log.call_id),
            "model_id": _id(log.agent_id),
            "workspace_id": str(log.workspace_id),
            "action_id": str(log.action_id) if log.action_id else None,
            "request_timestamp": log.requested_at.isoformat(),
            "attempt_number": log.attempt,
            "request_headers": log.request_headers,
            "request_payload": log.request_payload,
            "request_query_params": log.request_query,
            "request_origin": RequestOrigin(
                user_agent=headers.get("user-agent", USER_AGENT), x_forwarded_for=None, x_real_ip=None
            ),
            "response_timestamp": log.answered_at.isoformat() if log.answered_at else None,
            "response_status_code": log.answer_status,
            "response_headers": log.answer_headers,
            "response_payload": log.answer_payload,
            "response_ttfb_ms": log.first_byte_ms,
            "response_size_total": log.answer_bytes,
            "response_size_body": log.body_bytes,
            "duration_ms": log.duration_ms,
            "status": log.status,
            "error_message": log.error,
            "flow_location": None,
        }
    )


def _id(id_: UUID | None) -> str:
    return str(id_) if id_ else ""
