"""Turns a session's requests into work at the providers: one job each, whose events go to the driver's clock.

Nothing here knows of time but the providers' budgets. A driver (wall.py, ticked.py) decides when an event that
came is fed; this module decides what is done, in what order, and that each request is answered, cancelled or void.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import structlog

from trunkline.errors import ProviderError
from trunkline.voice.conversation.events import (
    AskWords,
    CancelReply,
    CancelSpeech,
    CancelTool,
    DropHearing,
    Event,
    FinishHearing,
    Hear,
    HearingFailed,
    JudgeTurn,
    ReplyDone,
    ReplyFailed,
    ReplyText,
    ReplyTool,
    Request,
    RunTool,
    Speak,
    SpeechAudio,
    SpeechFailed,
    StartHearing,
    StartReply,
    ToolResult,
    TurnVerdict,
    Words,
)
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.driver.budgets import Budgets, paced, within
from trunkline.voice.driver.job import Clock, Job, Key, Kind
from trunkline.voice.driver.ports import Providers
from trunkline.voice.driver.sound import even, louder, resampled
from trunkline.voice.language.ports import DonePart, TextPart, ToolPart
from trunkline.voice.speech.ports import Hearing, Voice
from trunkline.voice.speech.speakable import speakable

log = structlog.get_logger(__name__)

SENTENCES_AT_ONCE = 2
"""Sentences that are made into sound at the same time: the one to be heard next, and the one after it."""
_PIECE_MS = 100


class Jobs:
    """All work of one call. Belongs to the loop it is used on."""

    def __init__(
        self,
        providers: Providers,
        profile: Profile,
        rate: int,
        budgets: Budgets,
        clock: Clock,
        repeatable: bool = False,
    ) -> None:
        """`rate`: samples a second of the call's line.

        `repeatable`: nothing may depend on when, or in what pieces, a provider gives it. So words that a recogniser
        offers by itself are not passed on, and sound is cut evenly.
        """
        self._providers = providers
        self._profile = profile
        self._rate = rate
        self._budgets = budgets
        self._clock = clock
        self._repeatable = repeatable
        self._voice = Voice(
            profile.voice_id, profile.language, profile.voice_speed, profile.voice_instructions
        )
        self._segments: dict[int, Hearing] = {}
        self._jobs: dict[Key, Job] = {}
        self._latest: dict[Kind, int] = {}
        self._void: set[Key] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._speaking = asyncio.Semaphore(SENTENCES_AT_ONCE)
        self._last_sentence: Job | None = None
        self._asked = 0
        self._closed = False

    def start(self, request: Request) -> None:
        """Begin, feed or cancel work; never blocks, never raises."""
        if self._closed:
            return
        match request:
            case StartHearing(segment, pcm):
                self._open(segment, pcm)
            case Hear(segment, pcm):
                self._push(segment, pcm)
            case AskWords(segment):
                self._ask(segment, request)
            case FinishHearing(segment):
                self._forget_words(segment)
                hearing = self._segments.pop(segment, None) or self._unopened(segment)
                self._run((Kind.FINAL_WORDS, segment), request, self._final_words(segment, hearing))
            case DropHearing(segment):
                self._drop(segment)
            case JudgeTurn(pause):
                self._run((Kind.VERDICT, pause), request, self._verdict(request))
            case StartReply(reply):
                self._run((Kind.REPLY, reply), request, self._reply(request))
            case CancelReply(reply):
                self._cancel_or_void((Kind.REPLY, reply))
            case Speak(sentence):
                self._run((Kind.SPEECH, sentence), request, self._speech(request))
            case CancelSpeech(sentence):
                self._cancel_or_void((Kind.SPEECH, sentence))
            case CancelTool(call):
                self._cancel((Kind.TOOL, call))
            case RunTool(call):
                self._run((Kind.TOOL, call), request, self._tool(request))
            case _:
                raise AssertionError(f"{type(request).__name__} is the driver's own to do")

    def settle(self, job: Job) -> None:
        """The clock's word that all of a job was fed; until then it can be cancelled."""
        job.done = True
        self._jobs.pop(job.key, None)

    async def close(self) -> None:
        """Cancel everything and wait for it to end; what does not in time is logged and left."""
        self._closed = True
        for key in list(self._jobs):
            self._cancel(key)
        for hearing in self._segments.values():
            _quietly(hearing.close)
        self._segments.clear()
        others = self._tasks - {asyncio.current_task()}  # a tool may be what ends the call
        if others:
            _, stuck = await asyncio.wait(others, timeout=self._budgets.close)
            if stuck:
                log.error("provider_ignores_cancellation", tasks=sorted(task.get_name() for task in stuck))

    # ---- jobs ----

    def _run(self, key: Key, request: Request, events: AsyncGenerator[Event, None]) -> None:
        if not self._is_wanted(key):
            return
        kind, number = key
        job = Job(key, request)
        if kind is Kind.SPEECH:
            job.after, self._last_sentence = self._last_sentence, job
        self._jobs[key] = job
        self._clock.began(job)
        job.task = asyncio.create_task(self._work(job, events), name=f"{kind.value} {number}")
        self._tasks.add(job.task)
        job.task.add_done_callback(self._tasks.discard)

    def _cancel(self, key: Key) -> bool:
        """Cancel a job; was there one?"""
        if (job := self._jobs.pop(key, None)) is None:
            return False
        job.alive = False
        job.done = True
        self._clock.cancelled(job)
        if job.task is not None:
            job.task.cancel()
        return True

    # Requests of a tick reach the loop a moment after it; one that answers an event may overtake them. So the
    # cancelling of something that has not begun yet makes its beginning void. Numbers count up within a kind.

    def _cancel_or_void(self, key: tuple[Kind, int]) -> None:
        if not self._cancel(key):
            self._void_if_new(key)

    def _void_if_new(self, key: tuple[Kind, int]) -> None:
        kind, number = key
        if number > self._latest.get(kind, 0):
            self._void.add(key)

    def _is_wanted(self, key: Key) -> bool:
        kind, number = key
        if isinstance(number, int):
            self._latest[kind] = max(number, self._latest.get(kind, 0))
        void = key in self._void
        self._void.discard(key)
        return not void

    async def _work(self, job: Job, events: AsyncGenerator[Event, None]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    self._clock.came(job, event)
        except asyncio.CancelledError:
            # One that nobody here asked for is a provider's own mishap.
            task = asyncio.current_task()
            if not job.alive or (task is not None and task.cancelling()):
                raise
            self._fail(job, ProviderError("the provider cancelled its own work"))
        except Exception as error:  # noqa: BLE001 a provider may raise anything; the call goes on
            self._fail(job, error)
        finally:
            if job.alive:
                self._clock.ended(job)

    def _fail(self, job: Job, error: Exception) -> None:
        # The text of an error may quote what was said, so the log has its kind only.
        log.warning("provider_failed", work=job.key[0].value, error=type(error).__name__)
        if job.alive and (event := _failure(job.request, error)) is not None:
            self._clock.came(job, event)

    # ---- hearing ----

    def _open(self, segment: int, pcm: bytes) -> None:
        if not self._is_wanted((Kind.HEARING, segment)):
            return
        loop = asyncio.get_running_loop()

        def partial(text: str) -> None:
            # A vendor's library may call from a thread of its own.
            loop.call_soon_threadsafe(self._offer, segment, text)

        try:
            self._segments[segment] = self._providers.stt.open(
                self._rate,
                self._profile.language,
                None if self._repeatable else partial,
                self._profile.keywords,
            )
        except Exception as error:  # noqa: BLE001 a provider may raise anything; the call goes on
            self._segments[segment] = _Deaf(error)
        self._push(segment, pcm)

    def _offer(self, segment: int, text: str) -> None:
        if segment in self._segments:
            self._clock.partial(Words(segment, text, final=False))

    def _push(self, segment: int, pcm: bytes) -> None:
        if (hearing := self._segments.get(segment)) is None or not pcm:
            return
        try:
            hearing.push(pcm)
        except Exception as error:  # noqa: BLE001 a provider may raise anything; the call goes on
            _quietly(hearing.close)
            self._segments[segment] = _Deaf(error)

    def _ask(self, segment: int, request: AskWords) -> None:
        if hearing := self._segments.get(segment):
            self._asked += 1
            # The first question may still be at work when the second comes; it has heard less, but sooner.
            self._run((Kind.WORDS, f"{segment}/{self._asked}"), request, self._words(segment, hearing))

    def _forget_words(self, segment: int) -> None:
        for job in [job for job in self._jobs.values() if job.request == AskWords(segment)]:
            self._cancel(job.key)

    def _drop(self, segment: int) -> None:
        self._forget_words(segment)
        self._cancel((Kind.FINAL_WORDS, segment))
        if hearing := self._segments.pop(segment, None):
            _quietly(hearing.close)
        else:
            self._void_if_new((Kind.HEARING, segment))

    def _unopened(self, segment: int) -> Hearing:
        self._void_if_new((Kind.HEARING, segment))
        return _Deaf(ProviderError("the segment was finished before it was opened"))

    async def _words(self, segment: int, hearing: Hearing) -> AsyncGenerator[Event, None]:
        text = await within(self._budgets.words, hearing.words())
        yield Words(segment, text, final=False)

    async def _final_words(self, segment: int, hearing: Hearing) -> AsyncGenerator[Event, None]:
        try:
            text = await within(self._budgets.final_words, hearing.finish())
        finally:
            _quietly(hearing.close)
        yield Words(segment, text, final=True)

    # ---- deciding, replying, speaking, acting ----

    async def _verdict(self, request: JudgeTurn) -> AsyncGenerator[Event, None]:
        judged = self._providers.turn.complete(request.pcm, self._rate)
        yield TurnVerdict(request.pause, await within(self._budgets.verdict, judged))

    async def _reply(self, request: StartReply) -> AsyncGenerator[Event, None]:
        budgets, reply = self._budgets, request.reply
        parts = self._providers.llm.reply(self._profile.model, request.messages, request.tools)
        async with aclosing(paced(parts, budgets.first_token, budgets.next_token, budgets.reply)) as items:
            async for part in items:
                match part:
                    case TextPart(text):
                        yield ReplyText(reply, text)
                    case ToolPart(call, name, arguments):
                        yield ReplyTool(reply, call, name, arguments)
                    case DonePart(model):
                        yield ReplyDone(reply, model)
                        return
        yield ReplyDone(reply)

    async def _speech(self, request: Speak) -> AsyncGenerator[Event, None]:
        budgets, tts, sentence = self._budgets, self._providers.tts, request.sentence
        async with self._speaking:
            made = paced(
                tts.speak(speakable(request.text, self._profile.language), self._voice),
                budgets.first_sound,
                budgets.next_sound,
                budgets.sentence,
            )
            cut = even(made, tts.rate * _PIECE_MS // 1000 * 2) if self._repeatable else made
            if self._profile.voice_volume != 1.0:
                cut = louder(cut, self._profile.voice_volume)
            async with aclosing(resampled(cut, tts.rate, self._rate)) as sound:
                async for pcm in sound:
                    yield SpeechAudio(sentence, pcm, last=False)
            yield SpeechAudio(sentence, b"", last=True)

    async def _tool(self, request: RunTool) -> AsyncGenerator[Event, None]:
        ran = self._providers.run_tool(request.name, request.arguments)
        came = await within(self._budgets.tool, ran)
        variables = dict(came.variables)
        yield ToolResult(request.call, came.text, came.ok, came.error, variables, came.wrote, came.failure)


def _failure(request: Request, error: Exception) -> Event | None:
    """What the session is told; None where silence is right (words so far: the final ones will come)."""
    reason = f"{type(error).__name__}: {error}"[:200]
    match request:
        case FinishHearing(segment):
            return HearingFailed(segment, reason)
        case JudgeTurn(pause):
            return TurnVerdict(pause, None)
        case StartReply(reply):
            return ReplyFailed(reply, reason)
        case Speak(sentence):
            return SpeechFailed(sentence, reason)
        case RunTool(call, name):
            return ToolResult(call, f"{name} failed and was not done: {error}", ok=False)
        case _:
            return None


class _Deaf:
    """Stands in for a segment whose recogniser failed, until the session asks for its words."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def push(self, pcm: bytes) -> None:
        return

    async def words(self) -> str:
        raise self._error

    async def finish(self) -> str:
        raise self._error

    def close(self) -> None:
        return


def _quietly(close: Callable[[], None]) -> None:
    try:
        close()
    except Exception as error:  # noqa: BLE001 a provider may raise anything; nothing more is wanted of it
        log.warning("provider_failed", work="close", error=type(error).__name__)
