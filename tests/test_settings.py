"""Settings come from the variables that are documented, and from no others."""

from pathlib import Path

import pytest

from trunkline.roles.voice import choice
from trunkline.settings import Settings
from trunkline.voice.speech.wanted import Keys


def test_only_the_documented_names_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRUNKLINE_HOME", "TRUNKLINE_BIND", "TRUNKLINE_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/somewhere/else")
    monkeypatch.setenv("BIND", "0.0.0.0")
    monkeypatch.setenv("MODELS", "/models")
    settings = Settings()
    assert settings.home.name == ".trunkline"
    assert settings.bind == "127.0.0.1"
    assert settings.models is None


def test_the_documented_names_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_HOME", "/data")
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/trunkline")
    monkeypatch.delenv("TRUNKLINE_MODELS", raising=False)
    settings = Settings()
    assert settings.home == Path("/data")
    assert settings.models_folder == Path("/data/models")
    assert settings.database_url == "postgresql://somewhere/trunkline"


def test_a_local_model_admits_two_calls_and_an_endpoint_of_ones_own_a_hundred() -> None:
    assert Settings(llm_base_url=None).call_capacity == 2
    assert Settings(llm_base_url="http://127.0.0.1:1/v1", llm_embedded=True).call_capacity == 2
    assert Settings(llm_base_url="http://127.0.0.1:1/v1").call_capacity == 100
    assert Settings(max_calls=7).call_capacity == 7


def test_vendors_keys_have_the_vendors_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPGRAM_API_KEY", "dg-key")
    monkeypatch.setenv("ELEVENLABS_API_KEY", "el-key")
    monkeypatch.setenv("TRUNKLINE_LLM_FALLBACK", "spare")
    settings = Settings(llm_base_url="http://127.0.0.1:1/v1")
    assert choice(settings).keys == Keys("dg-key", "el-key")
    assert choice(settings).llm_fallback == "spare"
    assert "-key" not in repr(settings)
