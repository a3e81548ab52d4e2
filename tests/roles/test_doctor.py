"""The doctor on broken installations: each fault gets a line that says what to do."""

import asyncio
import io
import os
from pathlib import Path

import pytest
from benchmarks.ports import free_port
from rich.console import Console

from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.roles import doctor, runfile
from trunkline.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation that was never started."""
    return Settings(
        home=tmp_path / "home",
        models=tmp_path / "models",
        http_port=free_port(),
        voice_port=free_port(),
        sip_port=free_port(),
    )


async def bad_lines(settings: Settings) -> str:
    found = [each async for each in doctor.examine(settings) if each.verdict is doctor.Verdict.BAD]
    return "\n".join(f"{finding.what}: {finding.text}" for finding in found)


async def test_a_fresh_installation_lacks_only_its_models(settings: Settings) -> None:
    assert {line.partition(":")[0] for line in (await bad_lines(settings)).splitlines()} == {"models"}


async def test_the_status_is_1_when_something_is_wrong(settings: Settings) -> None:
    output = io.StringIO()
    assert await doctor.run(settings, Console(file=output, width=500)) == 1
    assert "BAD models   The model file vad/silero_vad.onnx is not in" in output.getvalue()
    assert "--  models   no knowledge base can be read" in output.getvalue()


async def test_a_taken_port(settings: Settings) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", settings.http_port):
        assert f"port {settings.http_port} (TCP) is taken" in await bad_lines(settings)


async def test_a_full_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 1 << 62)
    assert "make room" in await bad_lines(settings)


async def test_a_package_that_does_not_load(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "WHEELS", ("numpy", "no_such_package"))
    assert "no_such_package" in await bad_lines(settings)


async def test_a_database_that_does_not_answer(settings: Settings) -> None:
    settings.database_url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    assert "database: does not answer; check DATABASE_URL" in await bad_lines(settings)


async def test_a_superuser_as_login(
    settings: Settings, postgres: EmbeddedPostgres, database: Database
) -> None:
    settings.database_url = postgres.owner_url
    assert "is a superuser" in await bad_lines(settings)


async def test_a_secret_key_that_does_not_fit(
    settings: Settings, postgres: EmbeddedPostgres, database: Database
) -> None:
    settings.database_url = postgres.app_url
    assert "secret.key is missing" in await bad_lines(settings)
    key = settings.home / "keys" / "secret.key"
    key.parent.mkdir(parents=True)
    key.write_text("the first key of it all\n")
    assert "database" not in await bad_lines(settings)
    key.write_text("quite another secret key\n")
    assert "The secret key is not the one" in await bad_lines(settings)


async def test_a_language_model_that_does_not_answer(settings: Settings) -> None:
    settings.llm_base_url = f"http://127.0.0.1:{free_port()}/v1"
    assert "check TRUNKLINE_LLM_BASE_URL" in await bad_lines(settings)


async def notes(settings: Settings) -> str:
    found = [each async for each in doctor.examine(settings) if each.verdict is doctor.Verdict.NOTE]
    return "\n".join(f"{finding.what}: {finding.text}" for finding in found)


async def test_names_that_the_local_model_answers_to(settings: Settings, tmp_path: Path) -> None:
    assert "gpt-5.2" in await notes(settings)
    settings.llm_routes = tmp_path / "routes.json"
    settings.llm_routes.write_text('{"gpt-5.2": {"base_url": "http://127.0.0.1:1/v1"}}')
    told = await notes(settings)
    assert "gpt-5.2" not in told
    assert "gpt-5.4-mini" in told
    settings.llm_base_url = f"http://127.0.0.1:{free_port()}/v1"
    assert "local model" not in await notes(settings)


async def test_a_file_of_the_settings_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    settings.llm_routes = tmp_path / "routes.json"
    assert "TRUNKLINE_LLM_ROUTES names" in await bad_lines(settings)


async def test_a_platform_whose_processes_do_not_answer(
    settings: Settings, postgres: EmbeddedPostgres
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    state = runfile.RunState(os.getpid(), url, "127.0.0.1:5060", url, postgres.app_url, f"{url}/v1", True)
    with runfile.HomeLock(settings.home):
        runfile.write(settings.home, state)
        found = await bad_lines(settings)
    for part in ("api", "voice", "llm"):
        assert f"{part}: {url}" in found
    assert "does not answer" in found
