"""Figures of calls on the wire. Every number is whole, percentages too; days are YYYY-MM-DD in UTC."""

from pydantic import ConfigDict, Field

from trunkline.platform.http.wire import Wire


class DayCount(Wire):
    """A count of one day."""

    date: str
    value: int


class ActionFigures(Wire):
    """How many calls an action was run in."""

    name: str
    value: int
    series: list[DayCount]
    percentage_change: int


class ExecutedActions(Wire):
    """Actions, the most used first."""

    items: list[ActionFigures]


class MinutesUsed(Wire):
    """An agent's talk time."""

    model_id: str
    name: str
    minutes_used: int
    percentage_change: int


class CallsMade(Wire):
    """An agent's calls."""

    model_id: str
    name: str
    calls_made: int
    percent_change: int


class SuccessRate(Wire):
    """Of an agent's calls that are over, the part that was completed."""

    model_id: str
    name: str
    success_rate: int
    percentage_change: int


class AssistantPerformance(Wire):
    """Agents that had calls, the best first in each list."""

    by_minutes_used: list[MinutesUsed]
    by_calls_made: list[CallsMade]
    by_success_rate: list[SuccessRate]


class StatusFigures(Wire):
    """Calls of one status."""

    status: str
    value: int
    percentage: int
    percentage_change: int


class StatusDay(Wire):
    """One day's calls by status; `initiated` are those not placed yet (`pending`), `checking` we do not have."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    date: str
    completed: int = 0
    hangup_on_voicemail: int = 0
    busy: int = 0
    no_answer: int = Field(default=0, alias="no-answer")
    failed: int = 0
    left_voicemail: int = 0
    in_progress: int = Field(default=0, alias="in-progress")
    checking: int = 0
    paused: int = 0
    queue: int = 0
    initiated: int = 0
    ringing: int = 0


class CallStatusStat(Wire):
    """Calls by status, the most frequent first."""

    items: list[StatusFigures]
    series: list[StatusDay]


class RecentCall(Wire):
    """A call in short; `duration` in seconds."""

    call_id: str
    call_status: str
    duration: int
    agent_name: str
    model_id: str
    lead_phone_number: str
    created_at: str


class RecentCallHistory(Wire):
    """The last calls of the period, newest first."""

    items: list[RecentCall]


class DurationDay(Wire):
    """One day's calls; `average_duration` in seconds."""

    date: str
    total_minutes: int
    average_duration: int
    total_calls: int


class DurationMetrics(Wire):
    """How many calls there were and how long; `average_duration` in seconds, over the calls that were answered."""

    total_minutes: int
    average_duration: int
    total_calls: int
    series: list[DurationDay]
    total_minutes_percentage_change: int
    total_duration_percentage_change: int
    total_calls_percentage_change: int


class ReasonFigures(Wire):
    """Calls that ended for one reason."""

    reason: str
    value: int
    percentage: int


class ReasonDay(Wire):
    """One day's calls by what ended them."""

    date: str
    voicemail: int = 0
    human_goodbye: int = 0
    agent_goodbye: int = 0
    human_pick_up_cut_off: int = 0
    max_duration: int = 0
    idle_time_exceeded: int = 0
    goodbye_detected: int = 0
    user_disconnected: int = 0
    voicemail_message_left: int = 0


class EndCallReasonStat(Wire):
    """Calls by what ended them, the most frequent first."""

    items: list[ReasonFigures]
    series: list[ReasonDay]


class SentimentDay(Wire):
    """One day's judged calls, and those whose caller was content."""

    date: str
    positive: int
    total: int


class SentimentStat(Wire):
    """How content callers were, by the judge's verdict `user_sentiment`; zero while no call was judged."""

    positive_percentage: int
    series: list[SentimentDay]
    positive_percentage_change: int


class Analytics(Wire):
    """Figures of the calls that were created in a period, and their change against the same time before it."""

    executed_actions: ExecutedActions
    assistant_performance: AssistantPerformance
    call_status_stat: CallStatusStat
    recent_call_history: RecentCallHistory
    duration_metrics: DurationMetrics
    end_call_reason_stat: EndCallReasonStat
    sentiment_stat: SentimentStat
