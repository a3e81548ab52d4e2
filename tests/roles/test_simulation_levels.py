"""Runs of the API with sound: played with tones, kept and linked to, and replayed to the byte."""

import io
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.resources.api import Api, serve
from tests.resources.simulations.conftest import line_calls_of, make_case, means_of
from trunkline.errors import SetupError
from trunkline.platform.storage.database import Database
from trunkline.resources.simulations.assignments import Assignment, Report, Tell, perform
from trunkline.resources.simulations.suite_file import Level
from trunkline.resources.simulations.tasks import SimulationTasks
from trunkline.resources.simulations.trials import Subject
from trunkline.resources.workspaces.models import Workspace
from trunkline.roles.simulate.plan import Speech
from trunkline.roles.simulation_levels import HereLevels
from trunkline.settings import Settings
from trunkline.voice.answers import Answers, MemoryStore
from trunkline.voice.driver.ports import RunTool
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

PERSONA = {
    "script": [{"to": "help", "say": "A table for two please."}, {"say": "Thanks, bye.", "hang_up": True}]
}


def books(messages: Sequence[dict[str, Any]]) -> Said:
    if "You judge" in messages[0]["content"]:
        return {"criterion_1": {"quote": "It is booked", "reasoning": "It says so.", "verdict": "pass"}}
    return Line("It is booked.")


class Here:
    """Fulfils tasks.Player in this process, with tones."""

    def __init__(self, model: ScriptedLanguageModel, home: Path) -> None:
        self._model = model
        self._settings = Settings(home=home, secret_key=SecretStr("a key of sixteen or more"))

    async def play(self, assignment: Assignment, tell: Tell, run_tool: RunTool) -> Report:
        async with HereLevels(self._settings, Speech.TONES) as levels:
            return await perform(assignment, levels, self._model, tell, run_tool)


async def run(api: Api, run_id: str, model: ScriptedLanguageModel, home: Path) -> dict[str, Any]:
    tasks = SimulationTasks(means_of(api), api.blobs, Here(model, home), line_calls_of(api))
    await tasks.run_simulation(run_id, str(api.workspace.id))
    told: dict[str, Any] = await api.send("GET", f"/trunkline/v1/simulations/{run_id}")
    return told


async def test_a_run_with_sound_has_a_recording_and_is_replayed_to_the_byte(
    database: Database, workspace: Workspace, tmp_path: Path
) -> None:
    async with serve(database, workspace) as api:
        agent = await api.agent(
            type="inbound", agent={"prompt": "Book.", "greeting_message": "How can I help?"}
        )
        case = await make_case(api, success_criteria=["It books."])
        details = {"persona": PERSONA, "rules": [{"rule": "reply_within", "ms": 5000}]}
        await api.send("PUT", f"/trunkline/v1/simulation_cases/{case}/details", json=details)
        body = {"simulation_case_ids": [case], "target_agent_id": agent, "level": "voice", "seed": 3}
        session = await api.send("POST", "/trunkline/v1/simulation_sessions", json=body)
        opened = await api.send("GET", f"/v2/sessions/{session['simulation_session_id']}")
        [begun] = opened["response"]["simulations"]
        told = await run(api, begun["simulation_id"], ScriptedLanguageModel(rule=books), tmp_path)
        assert (told["status"], told["level"]) == ("completed", "voice"), told["error_info"]
        assert [each["outcome"] for each in told["demands"]] == ["pass", "pass"]
        assert told["ledgers"]
        assert told["happened"]["turns"][0]["start_ms"] is not None
        shown = (await api.send("GET", f"/v2/simulations/{begun['simulation_id']}"))["response"]
        sound = await api.client.get(shown["recording_url"])
        assert sound.status_code == 200
        with wave.open(io.BytesIO(sound.content)) as file:
            assert (file.getnchannels(), file.getnframes() > 8000) == (2, True)
        assert (await api.client.get(shown["recording_url"] + "x")).status_code == 403

        path = f"/trunkline/v1/simulation_sessions/{session['simulation_session_id']}/report?format=html"
        assert "data:audio/wav;base64,UklGR" in (await api.client.get(path)).text

        again = await api.send("POST", f"/trunkline/v1/simulations/{begun['simulation_id']}/replay")
        nobody = ScriptedLanguageModel(Line(fail="nobody is asked"))
        repeated = await run(api, again["simulation_id"], nobody, tmp_path)
        assert (repeated["equal"], repeated["provider_calls"]) == (True, 0), repeated["error_info"]
        assert (await api.client.get(repeated["recording_url"])).content == sound.content


async def test_a_real_call_needs_somebody_to_be_called(tmp_path: Path) -> None:
    async with HereLevels(Settings(home=tmp_path)) as levels:
        with pytest.raises(SetupError, match="No platform"):
            await levels.play(
                Level.LINE,
                Subject.__new__(Subject),
                ScriptedLanguageModel(),
                Answers(MemoryStore()),
                lambda event: None,
                None,
            )
