"""An OpenAI-compatible chat, transcription and speech server whose answers, delays and faults are set beforehand.

For tests, benches and users who want to try an agent without a model. What it says is in a `Script`
(script.py); it runs inside a test (`ScriptedServer`) or alone (`trunkline scripted`). Its times are exact: a
delay is counted from the arrival of the request (of its whole body where sound is sent in) to the first byte
out, so that a bench may subtract it.

    POST /v1/chat/completions        streamed or whole; native tool calls; response_format json_schema
    POST /v1/audio/transcriptions    multipart, WAV in; json, text or verbose_json out
    POST /v1/audio/speech            24 kHz mono, pcm or wav, streamed
    GET  /v1/models   /health
    GET  /script      POST /script   read the script; change parts of it while it runs (counters start anew)
    GET  /requests                   what came in and when, newest last

A single request may differ from the script: parameters after `?` in its model name or in the header
`X-Scripted`, as in a query string: `gpt-5?first_ms=200&token_ms=5`, `whisper-1?text=good+morning`, `tts-1?fault=hang`.
"""

from trunkline.voice.scripted.app import app
from trunkline.voice.scripted.script import (
    ChatScript,
    Fault,
    FaultKind,
    HearScript,
    Rule,
    Script,
    Sound,
    SpeechScript,
    Spread,
    ToolUse,
)
from trunkline.voice.scripted.server import ScriptedServer, main

__all__ = [
    "ChatScript",
    "Fault",
    "FaultKind",
    "HearScript",
    "Rule",
    "Script",
    "ScriptedServer",
    "Sound",
    "SpeechScript",
    "Spread",
    "ToolUse",
    "app",
    "main",
]
