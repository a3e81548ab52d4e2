"""A suite's result as JUnit's XML, which the pages of CI services show: a test case for each trial."""

import re
from xml.etree import ElementTree

from trunkline.resources.simulations.results import SuiteResult
from trunkline.resources.simulations.trials import Trial, transcript
from trunkline.resources.simulations.verdicts import Outcome

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: SuiteResult) -> bytes:
    """The document. What is not passed is a failure, what nobody can tell too; what could not be made is an error."""
    trials = [trial for case in result.cases for trial in case.trials]
    counts = {
        "tests": str(len(trials)),
        "failures": str(sum(trial.outcome not in (None, Outcome.PASS) for trial in trials)),
        "errors": str(sum(trial.outcome is None for trial in trials)),
    }
    root = ElementTree.Element("testsuites", {"name": "trunkline simulate", **counts})
    name = legal(f"{result.suite} ({result.agent}, {result.level})")
    suite = ElementTree.SubElement(root, "testsuite", {"name": name, **counts})
    for trial in trials:
        _case(suite, result.suite, trial)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _case(suite: ElementTree.Element, classname: str, trial: Trial) -> None:
    attributes = {"classname": legal(classname), "name": legal(f"{trial.case} #{trial.number}")}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    if trial.outcome is None:
        ElementTree.SubElement(case, "error", {"message": legal(trial.error)})
        return
    if trial.outcome is not Outcome.PASS:
        missed = [each for each in trial.demands if each.verdict.outcome is not Outcome.PASS]
        told = "\n".join(
            f"{each.verdict.outcome.value}: {each.what}: {each.verdict.reason} {'; '.join(each.verdict.evidence)}"
            for each in missed
        )
        failure = {"message": legal(missed[0].what), "type": trial.outcome.value}
        ElementTree.SubElement(case, "failure", failure).text = legal(told)
    out = ElementTree.SubElement(case, "system-out")
    out.text = legal(f"seed {trial.seed}\n{transcript(trial.observed.happened)}")


def legal(text: str) -> str:
    """Without the characters that XML has no way to write."""
    return _NO_XML.sub("\ufffd", text)
