"""Writes a judged night as a JUnit file, with the same tests as a pytest session."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from benchmarks.night.night import Night
from benchmarks.night.reports import Properties, properties_of
from benchmarks.records.trainings import Outcome
from benchmarks.session.items import training_id

_CLASS = "benchmarks.test_training"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(night: Night) -> str:
    """Return the XML: a test for each training, which fails without a run, and a test for each verdict.

    As in pytest, an experiment without baseline or weights is an error.

    Args:
        night: a night that was judged.
    """
    impossible = {
        training.experiment
        for training in night.trainings
        if training.outcome in (Outcome.NO_BASELINE, Outcome.NO_WEIGHTS)
    }
    suite = ET.Element("testsuite", name="pytest", timestamp=night.started)
    for training in night.trainings:
        seconds = training.run.timings.total if training.run else 0.0
        name = f"test_trains[{training_id(*training.key)}]"
        test = _test(suite, name, seconds, properties_of(night, *training.key))
        if training.outcome == Outcome.NOTHING_TO_REPEAT:
            ET.SubElement(test, "skipped", message=_text(training.description))
        elif training.run is None:
            kind = "error" if training.experiment in impossible else "failure"
            _fail(test, kind, f"{training.experiment} seed {training.seed}: {training.description}")
    for experiment in night.selection.verdicts:
        test = _test(suite, f"test_verdict[{experiment}]", 0.0, properties_of(night, experiment, None))
        if failure := night.answer(experiment):
            _fail(test, "error" if experiment in impossible else "failure", failure)
    suite.set("tests", str(len(suite)))
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    suites = ET.Element("testsuites")
    suites.append(suite)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _test(suite: ET.Element, name: str, seconds: float, properties: Properties) -> ET.Element:
    test = ET.SubElement(suite, "testcase", classname=_CLASS, name=_text(name), time=f"{seconds:.3f}")
    if properties:
        listed = ET.SubElement(test, "properties")
        for key, value in properties:
            ET.SubElement(listed, "property", name=_text(key), value=_text(str(value)))
    return test


def _fail(test: ET.Element, kind: str, failure: str) -> None:
    first, *_ = failure.splitlines()
    ET.SubElement(test, kind, message=_text(first)).text = _text(failure)


def _text(text: str) -> str:
    """Replace the characters that XML does not allow."""
    return _NOT_IN_XML.sub("?", text)
