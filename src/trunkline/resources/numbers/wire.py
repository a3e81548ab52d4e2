"""How a number's row is shown."""

from collections.abc import Sequence
from uuid import UUID

from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.schemas import NumberListItem, NumberOut
from trunkline.resources.numbers.trunk import Trunk


def shown_in_list(number: Number) -> NumberListItem:
    """A number in a list."""
    return NumberListItem(number=number.number, sid=None, is_available=number.inbound_agent_id is None)


def shown(number: Number, agents: Sequence[UUID], agency: UUID | None) -> NumberOut:
    """One number and the agents it serves; `agency`: the parent of its workspace, a subaccount."""
    uri = str(Trunk(number.termination_uri, number.sip_transport)) if number.termination_uri else ""
    return NumberOut(
        slug=number.slug,
        phone_number=number.number,
        friendly_name=number.friendly_name or number.number,
        address_requirement="none",
        is_sms_capable=False,
        is_voice_capable=True,
        iso_country="",
        locality="",
        region="",
        sid="",
        provider_name=number.provider_name,
        sip_term_uri=uri,
        sip_outbound_proxy=number.sip_outbound_proxy,
        sip_auth_username=number.extra.get("sip_auth_username"),
        uac_enabled=number.uac_enabled,
        uac_register_expires=number.uac_register_expires if number.uac_enabled else None,
        is_available=number.inbound_agent_id is None,
        agency_workspace_id=str(agency) if agency else None,
        workspace_id=str(number.workspace_id),
        created_at=number.created_at.isoformat(),
        updated_at=number.updated_at.isoformat() if number.updated_at else None,
        assistants=[str(agent) for agent in agents],
    )
