"""`trunkline simulate run`: the commands of the documentation, statuses, and reports that parse."""

import json
import re
import shlex
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from lxml import html  # type: ignore[import-untyped]

from trunkline import cli
from trunkline.resources.simulations.happenings import Called, Happenings, Said
from trunkline.resources.simulations.junit import junit
from trunkline.resources.simulations.page import page
from trunkline.resources.simulations.results import CaseResult, SuiteResult
from trunkline.resources.simulations.trials import Demand, Observed, Trial
from trunkline.resources.simulations.verdicts import Outcome, failed, passed
from trunkline.voice.scripted.script import Script
from trunkline.voice.scripted.server import ScriptedServer

ROOT = Path(__file__).parent.parent.parent
COMMANDS = re.findall(
    r"^trunkline (simulate .*?)  # status (\d)$", (ROOT / "docs/simulation.md").read_text(), re.MULTILINE
)
RECEPTIONIST = "simulate run examples/receptionist/suite.yaml --script examples/receptionist/script.json"
EVIL = "<script>alert(1)</script>\"'&\x00\x1b"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the examples in it, to which reports may be written."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TRUNKLINE_LLM_BASE_URL", raising=False)


def status(monkeypatch: pytest.MonkeyPatch, command: str) -> int:
    monkeypatch.setattr(sys, "argv", ["trunkline", *shlex.split(command)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_documentation_has_commands() -> None:
    assert len(COMMANDS) == 3


@pytest.mark.parametrize(("command", "expected"), COMMANDS)
def test_each_command_of_the_documentation(
    command: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status(monkeypatch, command) == int(expected)


def test_a_failure_names_what_was_missed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forgetful = RECEPTIONIST.replace("script.json", "forgetful.json")
    assert status(monkeypatch, f"{forgetful} --case 'Leaves a message'") == 1
    assert "call_back was never called" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("simulate run nothing.yaml", "nothing.yaml: cannot be read"),
        (f"{RECEPTIONIST} --speech loud", "there are tones, real"),
        ("simulate replay nothing", "there is no run 'nothing'"),
        (f"{RECEPTIONIST} --level loud", "there are text, voice, line"),
        (f"{RECEPTIONIST} --case Nobody", "there is no case 'Nobody'; there are: Opening hours"),
    ],
)
def test_what_cannot_be_run_is_status_2(
    command: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(monkeypatch, command) == 2
    assert told in capsys.readouterr().err


def test_without_a_model_it_is_told_how_to_have_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(monkeypatch, "simulate run examples/receptionist/suite.yaml") == 2
    assert "TRUNKLINE_LLM_BASE_URL" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_bytes_and_another_version_is_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, more in (("a", ""), ("b", "--at-once 4")):
        command = f"{RECEPTIONIST} --repeats 3 --seed 7 --against examples/receptionist/agent.yaml {more}"
        assert status(monkeypatch, f"{command} --json {name}.json --html {name}.html") == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["comparison"]["p_value"] == 1.0
    assert found["pass_hat"]["3"]["value"] == 1.0


@pytest.mark.parametrize("level", ["text", "voice"])
def test_a_run_is_made_again_from_its_folder_without_asking_anybody(
    level: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only = "--case 'Leaves a message' --seed 5 --against examples/receptionist/agent.yaml"
    assert (
        status(monkeypatch, f"{RECEPTIONIST} {only} --level {level} --json a.json --html a/index.html") == 0
    )
    capsys.readouterr()
    [folder] = (tmp_path / "home/simulations").iterdir()
    moved = folder.rename(tmp_path / "elsewhere")
    assert status(monkeypatch, f"simulate replay {moved} --json b.json --html b/index.html") == 0
    assert "nobody was asked" in capsys.readouterr().out
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a/index.html").read_bytes() == (tmp_path / "b/index.html").read_bytes()
    sounds = [each.name for each in (tmp_path / "a/recordings").rglob("*.wav")] if level == "voice" else []
    assert sounds == ["Leaves-a-message-1.wav"] * 2 * (level == "voice")

    for kept in (moved / "answers").glob("??/*"):
        kept.write_text(kept.read_text().replace('"text": "', '"text": "Well. '))
    assert status(monkeypatch, f"simulate replay {moved}") == 2
    assert "not equal to the run" in capsys.readouterr().out


def test_what_was_answered_in_the_same_run_is_not_asked_again_unless_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for more in ("", "", "--fresh"):
        assert status(monkeypatch, f"{RECEPTIONIST} --case 'Price of a check-up' {more}") == 0
        told.append(re.findall(r"(\d+ answers?) asked", capsys.readouterr().out))
    assert told == [["1 answer"], ["0 answers"], ["1 answer"]]


def test_another_script_is_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = RECEPTIONIST.replace("script.json", "forgetful.json")
    assert status(monkeypatch, f"{RECEPTIONIST} --case 'Leaves a message'") == 0
    assert status(monkeypatch, f"{forgetful} --case 'Leaves a message'") == 1


def test_the_page_shows_what_came_out_otherwise_beside_each_other() -> None:
    def trial(outcome: Outcome, words: str, at_ms: int) -> Trial:
        turns = (Said("caller", "Hello.", at_ms, at_ms + 1), Said("agent", words, at_ms + 5, at_ms + 9))
        return Trial("One", 1, 5, Observed(Happenings(turns, end_reason="human_ended")), (), outcome)

    now, then = trial(Outcome.FAIL, "We are closed.", 100), trial(Outcome.PASS, "We are open.", 200)
    shown = page(
        SuiteResult(
            "Desk",
            "new",
            "voice",
            0,
            (CaseResult("One", (now,), 1.0),),
            SuiteResult("Desk", "old", "voice", 0, (CaseResult("One", (then,), 1.0),)),
        )
    )
    tree = html.document_fromstring(shown)
    apart = tree.xpath("//div[contains(@class, 'pair')]//li[contains(@class, 'apart')]")
    assert [each.text_content().split(" s")[-1] for each in apart] == ["We are open.", "We are closed."]
    assert re.search(r"takes \d+ pairs of runs; there were 1", shown)


def result() -> SuiteResult:
    happened = Happenings(
        (Said("agent", EVIL), Said("caller", "Hi.")),
        (Called(EVIL, {EVIL: EVIL}, EVIL),),
        end_reason="human_ended",
    )
    ledger = {"turn": 1, "heard_gap_ms": 500, "stages": {"pause": 200, "token": 300}}
    observed = Observed(happened, (ledger,), b"RIFF")
    good = Trial("One", 1, 5, observed, (Demand("rule", EVIL, passed(EVIL)),), Outcome.PASS)
    bad = Trial("One", 2, 6, observed, (Demand("judge", EVIL, failed(EVIL, EVIL)),), Outcome.FAIL)
    broken = Trial("One", 3, 7, error=EVIL)
    return SuiteResult(EVIL, EVIL, "voice", 1, (CaseResult("One", (good, bad, broken), 1.0),))


def test_the_page_shows_all_and_asks_for_nothing() -> None:
    shown = page(result())
    tree = html.document_fromstring(shown)
    assert tree.xpath("//script | //link | //img | //iframe | //@onclick") == []
    targets = [each.removeprefix("#") for each in tree.xpath("//@href")]
    assert sorted(tree.xpath("//@id[starts-with(., 'case')]")) == sorted(targets)
    assert [each.split(",")[0] for each in tree.xpath("//@src")] == ["data:audio/wav;base64"] * 2
    assert len(tree.xpath("//details")) == 3
    assert len(tree.xpath("//details[@open]")) == 2
    assert len(tree.xpath("//*[@class='bar']/i")) == 4
    assert "<script>alert(1)</script>" in tree.xpath("//h1")[0].text_content()
    assert "<script>" not in shown


def test_junit_is_xml_whatever_was_said() -> None:
    root = ElementTree.fromstring(junit(result()))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")
    assert [[child.tag for child in case] for case in root.iter("testcase")] == [
        ["system-out"],
        ["failure", "system-out"],
        ["error"],
    ]


@pytest.mark.parametrize(("script", "expected"), [("script", 0), ("forgetful", 1)])
def test_the_example_for_github_proves_an_agent(
    script: str, expected: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = yaml.safe_load((ROOT / "examples/github-actions.yml").read_text())["jobs"]["simulate"]
    [command] = [each["run"] for each in job["steps"] if "simulate run" in each.get("run", "")]
    shutil.copytree(ROOT / "examples/receptionist", tmp_path / "agent")
    monkeypatch.chdir(tmp_path / "agent")
    thinks = json.loads(Path(f"{script}.json").read_text())
    with ScriptedServer(Script.model_validate(thinks)) as server:
        secrets = {"LLM_BASE_URL": server.base_url, "LLM_API_KEY": "a key"}
        for name, secret in job["env"].items():
            monkeypatch.setenv(name, secrets[secret.removeprefix("${{ secrets.").removesuffix(" }}")])
        assert status(monkeypatch, command.removeprefix("trunkline ")) == expected
    [kept] = [each["with"]["path"] for each in job["steps"] if "path" in each.get("with", {})]
    assert sorted(each.name for each in Path(kept).iterdir()) == ["index.html", "junit.xml", "result.json"]
    root = ElementTree.parse(Path(kept) / "junit.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("12", str(3 * expected), "0")
