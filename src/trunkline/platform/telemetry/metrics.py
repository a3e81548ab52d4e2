"""What each process counts, for `/metrics` (Prometheus text format). One registry a process; seconds throughout."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()

calls_active = Gauge("trunkline_calls_active", "Calls that this process holds.", registry=REGISTRY)
calls_capacity = Gauge("trunkline_calls_capacity", "Calls that this process may hold.", registry=REGISTRY)
calls_ended = Counter(
    "trunkline_calls_ended", "Calls by how they ended.", ["direction", "status"], registry=REGISTRY
)
turn_latency = Histogram(
    "trunkline_turn_latency_seconds",
    "From the caller's last voiced packet to the agent's first, by stage; `heard` is the whole.",
    ["stage"],
    buckets=(0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
    registry=REGISTRY,
)
beat_lateness = Histogram(
    "trunkline_beat_lateness_seconds",
    "How late the 20 ms beat began.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5),
    registry=REGISTRY,
)
jobs_done = Counter(
    "trunkline_jobs",
    "Runs of jobs by task and outcome (done, raised).",
    ["task", "outcome"],
    registry=REGISTRY,
)
job_seconds = Histogram(
    "trunkline_job_seconds",
    "How long runs of jobs took.",
    ["task"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0),
    registry=REGISTRY,
)
jobs_recovered = Counter(
    "trunkline_jobs_recovered", "Jobs taken over from workers that died.", registry=REGISTRY
)


def render() -> bytes:
    """The body of `/metrics`, of type `CONTENT_TYPE`."""
    return generate_latest(REGISTRY)
