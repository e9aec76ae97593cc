"""What the documents say of the four judges is what the recorded runs say."""

from __future__ import annotations

import pytest

from tests.sensitivity.compare_judges import CLEAN_NIGHTS, ROOT, false_alarms
from tests.sensitivity.judges import JUDGES

pytestmark = pytest.mark.integration


def test_the_false_alarms_in_the_documents_are_those_of_the_recorded_runs() -> None:
    page = (ROOT / "docs" / "explanation" / "what-a-night-sees.md").read_text(encoding="utf-8")
    row = " | ".join([f"false alarms in {CLEAN_NIGHTS} clean nights", *(str(false_alarms(title)) for title in JUDGES)])
    assert f"| {row} |" in page
    assert f"| | {' | '.join(JUDGES)} |" in page
