"""No output of a run contains a secret: runs by DVC, by the flow, and without MLflow.

The tests search every byte that a run writes: outputs, run files, DVC's lock and cache, MLflow's database, artifacts
and log, kept runs, Prefect's database, and everything that was printed.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import yaml

from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tasks.runs.parameters import load
from tasks.runs.provenance import git_state
from tasks.runs.secrets import BLANK, found_in, redact
from tests.runs.tiny import DAG, git, grow_tree
from tests.servers import free_port, mlflow_server
from tests.templates import give_prefect_database


def fake(prefix: str = "") -> str:
    """Return a new random key, which no file contains by chance."""
    return f"{prefix}{uuid.uuid4().hex}"


ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIA" + uuid.uuid4().hex[:16].upper(),
    "AWS_SECRET_ACCESS_KEY": fake(),
    "OPENAI_API_KEY": fake("sk-proj-"),
    "GITHUB_TOKEN": fake("ghp_"),
    "PREFECT_API_KEY": fake("pnu_"),
    "SOME_SERVICE_CREDENTIAL": fake(),
    "DATABASE_URL": f"postgresql://someone:{fake()}@db.example.org/x",
}
IN_ADDRESS, IN_DVC, IN_REMOTE, IN_ENV_FILE, IN_TRACKED_ENV = fake(), fake(), fake("ghp_"), fake(), fake()
PASTED_SHAPE = fake("sk-")
BASIC = base64.b64encode(f"someone:{IN_ADDRESS}".encode()).decode()
SECRETS = {
    **ENVIRONMENT,
    "DATABASE_URL": ENVIRONMENT["DATABASE_URL"].split(":")[2].split("@")[0],
    "in MLflow's address": IN_ADDRESS,
    "in MLflow's address, as it is sent": BASIC,
    "in DVC's local configuration": IN_DVC,
    "in git's remote": IN_REMOTE,
    "in an untracked .env": IN_ENV_FILE,
    "in a tracked .env": IN_TRACKED_ENV,
    "pasted into code, known by its shape": PASTED_SHAPE,
}
STAGE = """
import os
from pathlib import Path
from tests.runs.tiny import run_tiny, work
if "BLURT" in os.environ:  # as a careless library does
    print("connecting with", os.environ["SOME_SERVICE_CREDENTIAL"], flush=True)
run_tiny(Path.cwd(), work)
"""
FLOW = "import sys; from flows.pipeline import pipeline; print(pipeline(root=sys.argv[1]))"
THEIR_OWN = {".env", "config.local", "code.py", "keys.py", "keys.env"}  # where the keys were put


def plant(root: Path) -> None:
    """A tree with uncommitted changes and a key in every place that people use."""
    grow_tree(root)
    (root / "dvc.yaml").write_text(DAG.replace("python -m tasks.tiny ${key}", "python stage.py"))
    (root / "stage.py").write_text(STAGE)
    (root / ".env").write_text("LEVEL=1\n")
    with (root / ".gitignore").open("a") as stream:
        stream.write("/elsewhere/.env\n")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=root, check=True)
    git(root, "add", "--force", ".env", "dvc.yaml", "stage.py", ".gitignore", ".dvc")
    git(root, "commit", "-qm", "more", "--", ".env", "dvc.yaml", "stage.py", ".gitignore", ".dvc")
    git(root, "remote", "add", "origin", f"https://x-access-token:{IN_REMOTE}@git.example.org/x.git")
    (root / ".env").write_text(f"LEVEL=1\nSERVICE_KEY={IN_TRACKED_ENV}\n")
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / ".env").write_text(f"SERVICE_KEY={IN_ENV_FILE}\n")
    (root / "code.py").write_text(f"answer = 42\nkey = '{ENVIRONMENT['OPENAI_API_KEY']}'\n")
    (root / "keys.py").write_text(f"key = '{PASTED_SHAPE}'\n")
    (root / ".dvc" / "config.local").write_text(
        f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://bucket/dvc\n"
        f"    secret_access_key = {IN_DVC}\n    endpointurl = http://127.0.0.1:{free_port()}\n"
    )


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory) -> dict[str, bytes]:
    """Everything that three runs wrote: by `dvc repro`, by the flow, and without MLflow."""
    home = tmp_path_factory.mktemp("secrets")
    root, prefect, server = home / "tree", home / "prefect", home / "server"
    server.mkdir()
    prefect.mkdir()
    give_prefect_database(prefect)
    plant(root)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PREFECT_", "DVC_"))}
    env = {
        **clean,
        **ENVIRONMENT,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(prefect),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "DVC_NO_ANALYTICS": "1",
    }
    found: dict[str, bytes] = {}

    def run(name: str, *command: str, **more: str) -> None:
        done = subprocess.run(
            command, cwd=root, env={**env, **more}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300
        )
        assert done.returncode == 0, done.stdout.decode()[-3000:]
        found[f"printed by {name}"] = done.stdout

    with mlflow_server(server, f"sqlite:///{server}/mlflow.db", str(server / "artifacts"), clean) as url:
        address = url.replace("//", f"//someone:{IN_ADDRESS}@")
        run("dvc repro", "dvc", "repro", MLFLOW_TRACKING_URI=address)
        (root / "data/toy/in/a.txt").write_text("changed")
        run("the flow", sys.executable, "-c", FLOW, str(root), MLFLOW_TRACKING_URI=address, BLURT="1")
    run("dvc repro without MLflow", "dvc", "repro", "--force", MLFLOW_TRACKING_URI=address)
    push = [sys.executable, "-c", "from flows.push import main; main()"]
    done = subprocess.run(push, cwd=root, env=env, capture_output=True, timeout=150)
    found["printed by a push that failed"] = done.stdout + done.stderr
    for path in sorted(home.rglob("*")):
        if path.is_file() and ".git" not in path.parts and path.name not in THEIR_OWN:
            found[path.relative_to(home).as_posix()] = path.read_bytes()
    return found


def test_the_search_covers_all_written_files(left_behind):
    names = " ".join(left_behind)
    for part in (
        "tree/data/toy/out/x.txt",
        "tree/data/toy/runs/tiny.json",
        "tree/dvc.lock",
        "tree/.dvc/cache/",
        "tree/.landloom/unsent/",
        "server/mlflow.db",
        "lineage/dirty.patch",
        "lineage/dvc.yaml",
        "pictures/line.png",
        "server/mlflow-",
        "prefect/prefect.db",
    ):
        assert part in names
    told = b"".join(content for name, content in left_behind.items() if name.startswith("prefect/prefect.db"))
    assert f"connecting with {BLANK}".encode() in told, "what a stage prints is kept by Prefect, without the key"
    assert b"tiny@toy" in left_behind["server/mlflow.db"]


@pytest.mark.parametrize("where", SECRETS)
def test_a_planted_key_is_nowhere(left_behind, where):
    secret = SECRETS[where].encode()
    assert len(secret) >= 20
    assert [name for name, content in left_behind.items() if secret in content] == []


def test_the_patch_says_that_something_was_blanked_and_keeps_the_rest(left_behind):
    patch = next(content for name, content in left_behind.items() if name.endswith("lineage/dirty.patch")).decode()
    assert f"+key = '{BLANK}'" in patch and "+answer = 42" in patch and "+born = True" in patch
    assert ".env" not in patch.replace("elsewhere/.env", "")
    said = left_behind["printed by dvc repro"].decode()
    assert "uncommitted code holds the value of $OPENAI_API_KEY, what looks like a key; it is blanked" in said


def test_a_tree_without_keys_has_its_patch_byte_for_byte(tmp_path, capfd):
    root = grow_tree(tmp_path)
    (root / "code.py").write_text("url = f'https://{user}:{word}@host'  # ${USER}:${WORD}, password, token\n")
    patch = git_state(root)[1]
    assert "+url = f'https://{user}:{word}@host'  # ${USER}:${WORD}, password, token\n" in patch
    assert capfd.readouterr().err == ""


def test_a_key_among_the_parameters_stops_the_stage_before_it_is_copied_anywhere(tmp_path, monkeypatch):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    dataset = next(iter(params["datasets"]))
    for value in (PASTED_SHAPE, f"https://someone:{IN_ADDRESS}@tiles.example.org", "my-word-2026"):
        params["datasets"][dataset]["caption"]["method"] = {"name": value}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
        monkeypatch.setenv("TILES_PASSWORD", "my-word-2026")
        with pytest.raises(
            LandloomError, match=rf"params.yaml: datasets.{dataset}.caption.method.name: holds "
        ) as told:
            load(tmp_path)
        assert value not in str(told.value)


@pytest.mark.parametrize(
    "environ",
    [
        {"GIT_AUTHOR_NAME": "Someone Else 2"},
        {"KEYBOARD_LAYOUT": "us-intl-1"},
        {"TOKENIZERS_PARALLELISM": "false-ish-1"},
        {"SSH_AUTH_SOCK": "/run/user/1000/ssh-1234567/agent.1"},
        {"DB_PASSWORD": "password"},
        {"MAX_TOKENS": "100000000"},
        {"HOME_PAGE": "https://git@github.com/someone/something"},
    ],
)
def test_ordinary_words_are_left_alone(environ):
    text = f"the text {next(iter(environ.values()))} stays"
    assert redact(text, environ) == text and found_in(text, environ) == []
