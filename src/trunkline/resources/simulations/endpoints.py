"""`/v2/simulation…`, `/v2/sessions` and our own under /trunkline/v1, in the order in which paths are matched."""

from fastapi import APIRouter

from trunkline.resources.simulations import cases, runs, scenarios, session_endpoints, suites

router = APIRouter()
for part in (cases, suites, scenarios, runs, session_endpoints):
    router.include_router(part.router)
