"""How a trunk is shown."""

from trunkline.resources.numbers.models import Number
from trunkline.resources.trunks.models import TrunkRegistration
from trunkline.resources.trunks.schemas import TrunkOut
from trunkline.voice.lines.registration import RegistrationState


def shown(number: Number, registration: TrunkRegistration | None) -> TrunkOut:
    """A trunk; it is unregistered while nobody keeps its registration."""
    kept = registration if number.uac_enabled and registration and registration.host_id else None
    return TrunkOut(
        number=number.number,
        slug=number.slug,
        host=number.termination_uri or "",
        outbound_proxy=number.sip_outbound_proxy,
        transport=number.sip_transport or "udp",
        username=number.trunk_username or "",
        uac_enabled=number.uac_enabled,
        uac_register_expires=number.uac_register_expires if number.uac_enabled else None,
        registration_state=RegistrationState(kept.state) if kept else RegistrationState.UNREGISTERED,
        registration_code=kept.code if kept else None,
        registration_error=kept.reason if kept else "",
        registration_changed_at=registration.changed_at if registration else None,
    )
