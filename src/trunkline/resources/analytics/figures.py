"""From counts to the figures of the wire. Pure: rows in, answers out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from trunkline.resources.analytics import schemas
from trunkline.resources.analytics.repository import TIMEOUT, Held, Judged, OfAgent, Ran
from trunkline.resources.calls.status import FINAL, CallStatus
from trunkline.voice.conversation.events import EndReason

# Analytics have words of their own for how calls end (contract, section 3). What is not here is not counted.
REASONS = {
    "human_ended_call": "user_disconnected",
    "agent_ended_call": "agent_goodbye",
    "custom_end_call": "agent_goodbye",
    EndReason.MAX_DURATION: "max_duration",
    TIMEOUT: "max_duration",
    EndReason.IDLE: "idle_time_exceeded",
    "human_pick_up_cut_off": "human_pick_up_cut_off",
    "voicemail": "voicemail",
    "voicemail_cut_off": "voicemail",
    "voicemail_message_left": "voicemail_message_left",
}
_STATUSES = {str(CallStatus.PENDING): "initiated"}
_IN_SERIES = frozenset(info.alias or name for name, info in schemas.StatusDay.model_fields.items())


def percent(part: int, whole: int) -> int:
    """`part` of `whole` in whole per cent; 0 of nothing."""
    return round(100 * part / whole) if whole else 0


def change(now: int, before: int) -> int:
    """Growth in whole per cent; what came out of nothing grew by 100."""
    if before == 0:
        return 100 if now else 0
    return round(100 * (now - before) / before)


def minutes(seconds: int) -> int:
    """Seconds in whole minutes."""
    return round(seconds / 60)


def executed_actions(rows: Iterable[Ran], days: Sequence[date]) -> schemas.ExecutedActions:
    """Actions, the most used first."""
    by_day: dict[str, Counter[date | None]] = defaultdict(Counter)
    for row in rows:
        by_day[row.name][row.day] += row.calls
    items = []
    for name, counts in by_day.items():
        before = counts.pop(None, 0)
        if value := counts.total():
            series = [schemas.DayCount(date=day.isoformat(), value=counts[day]) for day in days]
            items.append(
                schemas.ActionFigures(
                    name=name, value=value, series=series, percentage_change=change(value, before)
                )
            )
    return schemas.ExecutedActions(items=sorted(items, key=lambda item: (-item.value, item.name)))


@dataclass
class _Tally:
    """What an agent did in one of the two periods."""

    calls: int = 0
    seconds: int = 0
    over: int = 0
    completed: int = 0

    @property
    def success(self) -> int:
        return percent(self.completed, self.over)

    def add(self, row: OfAgent) -> None:
        self.calls += row.calls
        self.seconds += row.seconds
        self.over += row.calls if row.status in FINAL else 0
        self.completed += row.calls if row.status == CallStatus.COMPLETED else 0


@dataclass
class _Agent:
    model_id: str
    name: str
    now: _Tally = field(default_factory=_Tally)
    before: _Tally = field(default_factory=_Tally)


def assistant_performance(rows: Iterable[OfAgent]) -> schemas.AssistantPerformance:
    """Agents that had calls in the period, the best first in each list."""
    tallies: dict[UUID, _Agent] = {}
    for row in rows:
        agent = tallies.setdefault(row.agent_id, _Agent(str(row.agent_id), row.name))
        (agent.now if row.current else agent.before).add(row)
    agents = sorted((each for each in tallies.values() if each.now.calls), key=lambda each: each.model_id)
    used = [
        schemas.MinutesUsed(
            model_id=each.model_id,
            name=each.name,
            minutes_used=minutes(each.now.seconds),
            percentage_change=change(each.now.seconds, each.before.seconds),
        )
        for each in agents
    ]
    made = [
        schemas.CallsMade(
            model_id=each.model_id,
            name=each.name,
            calls_made=each.now.calls,
            percent_change=change(each.now.calls, each.before.calls),
        )
        for each in agents
    ]
    rates = [
        schemas.SuccessRate(
            model_id=each.model_id,
            name=each.name,
            success_rate=each.now.success,
            percentage_change=change(each.now.success, each.before.success),
        )
        for each in agents
    ]
    return schemas.AssistantPerformance(
        by_minutes_used=sorted(used, key=lambda item: -item.minutes_used),
        by_calls_made=sorted(made, key=lambda item: -item.calls_made),
        by_success_rate=sorted(rates, key=lambda item: -item.success_rate),
    )


def call_status(rows: Iterable[Held], days: Sequence[date]) -> schemas.CallStatusStat:
    """Calls by status, the most frequent first."""
    now: Counter[str] = Counter()
    before: Counter[str] = Counter()
    by_day: dict[date, Counter[str]] = defaultdict(Counter)
    for row in rows:
        status = _STATUSES.get(row.status, row.status)
        if row.day is None:
            before[status] += row.calls
        else:
            now[status] += row.calls
            by_day[row.day][status] += row.calls
    items = [
        schemas.StatusFigures(
            status=status,
            value=value,
            percentage=percent(value, now.total()),
            percentage_change=change(value, before[status]),
        )
        for status, value in now.items()
    ]
    series = [
        schemas.StatusDay(
            date=day.isoformat(),
            **{status: count for status, count in by_day[day].items() if status in _IN_SERIES},
        )
        for day in days
    ]
    return schemas.CallStatusStat(
        items=sorted(items, key=lambda item: (-item.value, item.status)), series=series
    )


@dataclass
class _Talk:
    calls: int = 0
    seconds: int = 0
    answered: int = 0

    @property
    def average(self) -> int:
        return round(self.seconds / self.answered) if self.answered else 0

    def add(self, row: Held) -> None:
        self.calls += row.calls
        self.seconds += row.seconds
        self.answered += row.answered


def durations(rows: Iterable[Held], days: Sequence[date]) -> schemas.DurationMetrics:
    """How many calls there were and how long."""
    now, before = _Talk(), _Talk()
    by_day: dict[date, _Talk] = defaultdict(_Talk)
    for row in rows:
        if row.day is None:
            before.add(row)
        else:
            now.add(row)
            by_day[row.day].add(row)
    return schemas.DurationMetrics(
        total_minutes=minutes(now.seconds),
        average_duration=now.average,
        total_calls=now.calls,
        series=[
            schemas.DurationDay(
                date=day.isoformat(),
                total_minutes=minutes(by_day[day].seconds),
                average_duration=by_day[day].average,
                total_calls=by_day[day].calls,
            )
            for day in days
        ],
        total_minutes_percentage_change=change(minutes(now.seconds), minutes(before.seconds)),
        total_duration_percentage_change=change(now.seconds, before.seconds),
        total_calls_percentage_change=change(now.calls, before.calls),
    )


def end_reasons(rows: Iterable[Held], days: Sequence[date]) -> schemas.EndCallReasonStat:
    """Calls by what ended them, the most frequent first."""
    counts: Counter[str] = Counter()
    by_day: dict[date, Counter[str]] = defaultdict(Counter)
    for row in rows:
        reason = REASONS.get(row.reason or "")
        if row.day is not None and reason is not None:
            counts[reason] += row.calls
            by_day[row.day][reason] += row.calls
    items = [
        schemas.ReasonFigures(reason=reason, value=value, percentage=percent(value, counts.total()))
        for reason, value in counts.items()
    ]
    return schemas.EndCallReasonStat(
        items=sorted(items, key=lambda item: (-item.value, item.reason)),
        series=[schemas.ReasonDay(date=day.isoformat(), **by_day[day]) for day in days],
    )


def sentiment(rows: Iterable[Judged], days: Sequence[date]) -> schemas.SentimentStat:
    """How content callers were."""
    by_day = {row.day: row for row in rows}
    before = by_day.pop(None, Judged(None, 0, 0))
    now = percent(sum(row.positive for row in by_day.values()), sum(row.total for row in by_day.values()))
    judged = [by_day.get(day, Judged(day, 0, 0)) for day in days]
    return schemas.SentimentStat(
        positive_percentage=now,
        series=[
            schemas.SentimentDay(date=day.isoformat(), positive=row.positive, total=row.total)
            for day, row in zip(days, judged, strict=True)
        ],
        positive_percentage_change=change(now, percent(before.positive, before.total)),
    )
