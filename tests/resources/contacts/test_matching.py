"""Who a caller is, by the number."""

import pytest

from trunkline.resources.contacts.matching import number_of


@pytest.mark.parametrize(
    ("other_party", "number"),
    [
        ("+14155552671", "+14155552671"),
        (" +1 (415) 555-2671 ", "+14155552671"),
        ("0014155552671", "+14155552671"),
        ("14155552671", "+14155552671"),
        ("sip:+14155552671@carrier.example;user=phone", "+14155552671"),
        ("sips:14155552671@10.0.0.1:5061", "+14155552671"),
        ("sip:%2B14155552671;npdi@carrier.example", "+14155552671"),
        ("tel:+1-415-555-2671;ext=4", "+14155552671"),
        ("", None),
        ("anonymous", None),
        ("sip:anonymous@anonymous.invalid", None),
        ("sip:ann@10.0.0.1", None),
        ("sip:10.0.0.1", None),
        ("+266696687", None),  # ANONYMOUS
        ("+7378742833", None),  # RESTRICTED
        ("4155552671", None),  # national: +41 55 552 671 is somebody in Switzerland
        ("015112345678", None),
        ("100", None),
        ("+1415555267112345", None),
        ("+٤١٥٥٥٥٢٦٧١", None),
    ],
    ids=str,
)
def test_a_caller_is_known_by_a_number_alone(other_party: str, number: str | None) -> None:
    assert number_of(other_party) == number
