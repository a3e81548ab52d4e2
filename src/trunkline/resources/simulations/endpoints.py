"""`/v2/simulation…` and `/v2/sessions`, in the order in which paths are matched."""

from fastapi import APIRouter

from trunkline.resources.simulations import cases, runs, scenarios, suites

router = APIRouter()
for part in (cases, suites, scenarios, runs):
    router.include_router(part.router)
