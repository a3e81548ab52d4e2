"""Which model files this installation needs, and the program that serves the language model."""

import os

from trunkline.roles.process import Program
from trunkline.settings import Settings
from trunkline.voice.models.store import Store

LLM_SET = "llm-1.5b"


def needed(settings: Settings) -> list[str]:
    """The sets of model files that the settings call for."""
    sets = ["vad", "turn"]
    if settings.stt_base_url is None:
        sets.append("stt-tiny.en")
    if settings.llm_base_url is None:
        sets.append(LLM_SET)
    return sets


def check(settings: Settings) -> None:
    """Raise ModelMissing, which says what to run, for the first set that is not there whole and right."""
    store = Store(settings.models_folder)
    for name in needed(settings):
        store.set_folder(name)


def server_program(settings: Settings, port: int) -> Program:
    """The local model server: one for the installation, on all cores but one (measured: never on all)."""
    folder = Store(settings.models_folder).set_folder(LLM_SET)
    model = next(iter(folder.glob("*.gguf")))
    threads = max(1, (os.cpu_count() or 1) - 1)
    arguments = ("--model", str(model), "--port", str(port), "--threads", str(threads))
    return Program("llm", "trunkline.voice.language.local_server", arguments)
