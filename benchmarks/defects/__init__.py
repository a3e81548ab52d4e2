"""Agents with one planted defect each, and clean ones of the same shapes; see README.md."""

from benchmarks.defects import bank, clinic, helpdesk, reminder, restaurant
from benchmarks.defects.shapes import Defect, House, Variant

HOUSES: tuple[House, ...] = (clinic.HOUSE, restaurant.HOUSE, reminder.HOUSE, bank.HOUSE, helpdesk.HOUSE)
DEFECTS: tuple[Defect, ...] = (
    *clinic.DEFECTS,
    *restaurant.DEFECTS,
    *reminder.DEFECTS,
    *bank.DEFECTS,
    *helpdesk.DEFECTS,
)
CLEAN: tuple[Variant, ...] = (
    *clinic.CLEAN,
    *restaurant.CLEAN,
    *reminder.CLEAN,
    *bank.CLEAN,
    *helpdesk.CLEAN,
)
