"""A project of three nights and the page of the last one, written once for all tests of a module."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.report.page import write_page
from tests.benchmarks.report.nights import Project, make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def path(project: Project) -> Path:
    return write_page(project.night, project.baselines, project.records, project.night)
