"""A side's process: it trains with the code of its checkout, and says in one sentence why it cannot."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.sides.side import Job, MachineError, Side, SideError, TrainingEnded, running_side
from cifar_models.training.progress import FeatureProgress, Progress
from tests.benchmarks.sides.projects import RECORDS, Project

pytestmark = pytest.mark.unit

TRAIN = "cifar_models/training/train.py"


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return tmp_path / "records"


def _running(project: Project, records: Path, **options: bool) -> AbstractContextManager[Side]:
    job = Job(dataset="synthetic", **options)  # type: ignore[arg-type]
    return running_side("B (x)", python=Path(sys.executable), checkout=project.folder, records=records, job=job)


def test_describes_itself_and_trains_with_its_own_code(project: Project, records: Path) -> None:
    project.replace("FIRST = 0", "FIRST = 3")
    with _running(project, records) as side:
        assert [*side.ready.experiments] == ["simple_cnn", "vgg16_frozen"]
        assert (side.ready.dataset, side.ready.data, side.ready.classes) == ("synthetic", "sha256:data", ["cat", "dog"])
        assert side.ready.python.startswith("3.")
        assert side.ready.packages["numpy"]
        assert "cifar-models" not in side.ready.packages
        run = side.train("simple_cnn", 4)
        assert side.train("simple_cnn", 5).seed == 5
    assert (run.experiment, run.seed) == ("simple_cnn", 4)
    recorded = (RECORDS / "simple_cnn.synthetic.seed7.json").read_text(encoding="utf-8")
    assert f'"accuracy": {run.accuracy}' in recorded
    assert {path.name for path in records.iterdir()} == {f"simple_cnn.synthetic.seed{seed}.json" for seed in (4, 5)}


def test_shows_progress_where_the_package_reports_it(project: Project, records: Path) -> None:
    project.replace(
        "weights=None):",
        "weights=None, progress=None):\n"
        "    from dataclasses import make_dataclass\n"
        "    fields = ['epoch', 'epochs', 'step', 'steps', 'accuracy', 'validation_accuracy', 'seconds_left']\n"
        "    state = make_dataclass('Progress', fields)\n"
        "    progress(make_dataclass('Features', ['images', 'all_images', 'seconds_left'])(64, 128, 9.0))\n"
        "    progress(state(1, 10, 1, 2, 0.5, None, 9.0))\n"
        "    progress(state(1, 10, 2, 2, 0.5, 0.6, 8.0))",
    )
    shown: list[Progress | FeatureProgress] = []
    with _running(project, records) as side:
        side.train("simple_cnn", 0, shown.append)
    assert shown == [FeatureProgress(64, 128, 9.0), Progress(1, 10, 2, 2, 0.5, 0.6, 8.0)]


def test_what_a_library_prints_is_no_answer(project: Project, records: Path) -> None:
    project.fault("import os\nprint('noise')\nos.write(1, b'more noise')")
    with _running(project, records) as side:
        assert side.train("simple_cnn", 0).seed == 0


@pytest.mark.parametrize(
    ("error", "outcome", "message"),
    [
        ("TrainingDiverged('the loss is nan')", "diverged", "TrainingDiverged: the loss is nan"),
        ("MemoryError('no room')", "memory", "MemoryError: no room"),
        ("type('ResourceExhaustedError', (Exception,), {})('GPU')", "memory", "ResourceExhaustedError: GPU"),
        ("ValueError('two\\n lines')", "failed", "ValueError: two lines"),
    ],
)
def test_a_training_that_gives_no_run_ends_alone(
    project: Project, records: Path, error: str, outcome: str, message: str
) -> None:
    project.fault(f"if seed == 1:\n    raise {error}")
    with _running(project, records) as side:
        with pytest.raises(TrainingEnded) as ended:
            side.train("simple_cnn", 1)
        assert side.train("simple_cnn", 2).seed == 2
    assert ended.value.outcome == outcome
    assert str(ended.value) == f"B (x), simple_cnn seed 1: {message}"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL, perhaps for lack of memory"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        (
            "import os, sys\nsys.stderr.write('one\\nthe last line\\n')\nos._exit(3)",
            "status 3; its last line: the last",
        ),
    ],
)
def test_a_process_that_dies_is_an_error_and_what_it_trained_is_kept(
    project: Project, records: Path, fault: str, why: str
) -> None:
    lines = "\n".join(f"    {line}" for line in fault.splitlines())
    project.fault(f"if seed == 1:\n{lines}")
    with _running(project, records) as side:
        side.train("simple_cnn", 0)
        with pytest.raises(SideError, match=r"^B \(x\) ended in simple_cnn seed 1: ") as ended:
            side.train("simple_cnn", 1)
        with pytest.raises(SideError, match=r"^B \(x\) ended in simple_cnn seed 2: "):
            side.train("simple_cnn", 2)
    assert why in str(ended.value)
    assert len(list(records.iterdir())) == 1


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("cifar_models/experiments.py", "def unfinished(", r"SyntaxError: .*experiments.py, line 1"),
        ("cifar_models/experiments.py", "import no_such_package", "ModuleNotFoundError: No module named 'no_such_pack"),
        ("cifar_models/results/run_files.py", "", "ImportError: cannot import name 'write_run'"),
        ("cifar_models/experiments.py", "", "AttributeError: .*EXPERIMENTS"),
        ("cifar_models/datasets/__init__.py", "raise OSError('no images')", "OSError: no images"),
        ("cifar_models/__init__.py", "import sys; sys.exit('gone')", "status 1; its last line: gone"),
    ],
)
def test_code_that_does_not_import_or_is_too_old_is_one_sentence(
    project: Project, records: Path, file: str, content: str, why: str
) -> None:
    project.write(file, content)
    with pytest.raises(SideError, match=why) as error, _running(project, records):
        pass
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("B (x) ")
    assert not records.exists()


def test_a_python_that_is_gone_is_one_sentence(project: Project, records: Path) -> None:
    gone = running_side(
        "B (x)", python=records / "python", checkout=project.folder, records=records, job=Job(dataset="synthetic")
    )
    with pytest.raises(MachineError, match=r"^B \(x\): found .*No such file.*expected a Python that starts"), gone:
        pass


def test_a_gpu_that_is_not_there_is_an_error(project: Project, records: Path) -> None:
    with pytest.raises(SideError, match="found no GPU"), _running(project, records, gpu=True):
        pass


def test_another_package_of_that_name_is_never_trained(project: Project, records: Path) -> None:
    (project.folder / "cifar_models").rename(project.folder / "elsewhere")
    with pytest.raises(SideError, match=r"cifar_models: found it in .*, expected it in"), _running(project, records):
        pass


def test_a_record_that_cannot_be_written_is_an_error(project: Project, records: Path) -> None:
    records.write_text("a file in the folder's place", encoding="utf-8")
    with (
        _running(project, records) as side,
        pytest.raises(SideError, match="simple_cnn seed 0: trained, but its record cannot be kept: FileExistsError"),
    ):
        side.train("simple_cnn", 0)


def test_a_record_that_cannot_be_read_is_an_error(project: Project, records: Path) -> None:
    project.fault("run['curves'] = {}")
    with (
        _running(project, records) as side,
        pytest.raises(SideError, match="a record that this version cannot read"),
    ):
        side.train("simple_cnn", 0)


def test_it_ends_in_the_middle_of_a_training_when_nobody_waits_for_it(
    project: Project, records: Path, tmp_path: Path
) -> None:
    began, ended = tmp_path / "began", tmp_path / "ended"
    project.fault(f"import time\nopen({str(began)!r}, 'w')\ntime.sleep(600)\nopen({str(ended)!r}, 'w')")
    with _running(project, records) as side:
        process = side._process
        assert process.stdin is not None
        process.stdin.write('{"experiment": "simple_cnn", "seed": 0}\n')
        process.stdin.flush()
        for _ in range(600):
            if began.exists():
                break
            time.sleep(0.1)
        assert began.exists()
        process.stdin.close()  # as when the process that compares is killed
        assert process.wait(60) == 0
    assert not ended.exists()
