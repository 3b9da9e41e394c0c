"""MLflow and Prefect on a real PostgreSQL, artifacts and DVC's remote on an S3 server, all as processes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from infra.services import postgres
from infra.services.local import BUCKET, start, stop
from infra.services.processes import HOST, Services
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.settings import ROOT
from tasks.runs.store import connect
from tests.runs.tiny import grow_tree, run_tiny, work
from tests.servers import free_port, process
from tests.together import run_together

KEYS = {"AWS_ACCESS_KEY_ID": "landloom-test", "AWS_SECRET_ACCESS_KEY": "not-a-key-of-anyone-1"}


@pytest.fixture(scope="module")
def services():
    """All services, started once by the same function as the command."""
    # Not pytest's folder: only root can enter it, and PostgreSQL refuses to run as root.
    home = Path(tempfile.mkdtemp(prefix="landloom-services-", dir="/var/tmp"))
    home.chmod(0o755)
    port = free_port()
    s3 = f"http://{HOST}:{port}"
    moto = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with pytest.MonkeyPatch.context() as patch, process(moto, f"{s3}/moto-api/", home / "moto.log"):
        for name, value in KEYS.items():
            patch.setenv(name, value)
        for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
            patch.delenv(name, raising=False)
        try:
            try:
                yield start(home / "services", s3)
            except LandloomError as error:
                if "not installed" in str(error) or "cannot enter" in str(error):
                    pytest.skip(str(error))
                raise
        finally:
            stop(home / "services")
            shutil.rmtree(home)


@pytest.fixture
def environment(services, monkeypatch):
    """The services, with a client's settings in the environment."""
    for name, value in services.client_environment().items():
        monkeypatch.setenv(name, value)
    return services


def objects(services: Services) -> list[str]:
    import boto3

    client = boto3.client("s3", endpoint_url=services.s3, region_name="us-east-1")
    return [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def query(services: Services, database: str, text: str) -> list[tuple]:
    import psycopg2

    connection = psycopg2.connect(services.database(database, "postgresql"))
    with connection, connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()


def family(services: Services) -> list[psutil.Process]:
    """The processes of all services, and what they started."""
    heads = [services.running(name) for name in services.processes]
    return [member for head in heads for member in (head, *head.children(recursive=True))]


def test_only_loopback_listens_and_no_password_is_in_sight(services):
    members = family(services)
    pids = {member.pid for member in members}
    ports = {line.laddr for line in psutil.net_connections("inet") if line.status == "LISTEN" and line.pid in pids}
    assert {port.ip for port in ports} == {HOST}
    assert {port.port for port in ports} >= {services.ports[name] for name in ("postgres", "mlflow", "prefect")}
    commands = ""
    for member in members:
        with suppress(psutil.NoSuchProcess):  # a database session that has ended
            commands += " ".join(member.cmdline())
    assert "mlflow" in commands
    logs = "".join(path.read_text(errors="replace") for path in services.folder.glob("*.log"))
    assert not [name for name, password in services.passwords.items() if password in commands + logs]
    for name in ("state.json", "env"):
        assert stat.S_IMODE((services.folder / name).stat().st_mode) == 0o600


def test_a_run_comes_back_from_postgresql_and_its_pictures_from_s3(environment, tmp_path):
    root = grow_tree(tmp_path / "tree")
    run_tiny(root, work)
    record = json.loads((root / "data/toy/runs/tiny.json").read_text())
    client, experiment = connect(root, "tiny")
    run = client.get_run(record["run_id"])
    assert run.data.params == {"seed": "3", "size": "2", "deep.x": "0.5"}
    assert run.data.tags["dvc.out.data/toy/out"] == record["outs"]["data/toy/out"]
    assert sorted(point.step for point in client.get_metric_history(run.info.run_id, "loss")) == list(range(1200))
    picture = client.download_artifacts(run.info.run_id, "pictures/line.png", str(tmp_path))
    assert Path(picture).read_bytes() == (root / "data/toy/pictures/tiny/line.png").read_bytes()
    assert f"mlflow/{experiment}/{run.info.run_id}/artifacts/pictures/line.png" in objects(environment)
    assert query(environment, "mlflow", "SELECT count(*) FROM metrics WHERE key = 'loss'") == [(1200,)]
    assert not (root / "mlflow.db").exists() and not (root / "mlartifacts").exists()


FLOW = """
from prefect import flow, task
from prefect.artifacts import create_table_artifact

@task
def double(number: int) -> int:
    return 2 * number

@flow(name="tiny", log_prints=True)
def tiny() -> int:
    print("seen by the server")
    create_table_artifact(key="numbers", table=[{"number": 21}])
    return double(21)

assert tiny() == 42
"""


def test_a_flow_is_kept_by_prefect_on_postgresql(environment, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FLOW],
        cwd=tmp_path,
        env=os.environ | {"PREFECT_HOME": str(tmp_path / "prefect")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert query(environment, "prefect", "SELECT state_type::text FROM flow_run") == [("COMPLETED",)]
    assert query(environment, "prefect", "SELECT state_type::text FROM task_run") == [("COMPLETED",)]
    assert query(environment, "prefect", "SELECT key FROM artifact WHERE key IS NOT NULL") == [("numbers",)]
    assert ("seen by the server",) in query(environment, "prefect", "SELECT message FROM log")


def test_a_second_clone_gets_data_and_run_cache_from_the_dvc_remote(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def run(*command: str, cwd: Path) -> str:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    run("git", "init", "-q", cwd=first)
    run("dvc", "init", "-q", cwd=first)
    run("dvc", "remote", "add", "-d", "storage", f"s3://{BUCKET}/dvc", cwd=first)
    (first / "in").write_text("1\n2\n3\n")
    stage = {"cmd": "mkdir -p out && tac in > out/a && date +%N > out/b", "deps": ["in"], "outs": ["out"]}
    (first / "dvc.yaml").write_text(json.dumps({"stages": {"turn": stage}}))
    run("dvc", "repro", "-q", cwd=first)
    run("git", "add", ".", cwd=first)
    run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "turned", cwd=first)
    run(
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pathlib import Path; "
        "from flows.push import push; push(Path('.'))",
        cwd=first,
    )
    kept = objects(environment)
    assert [key for key in kept if key.startswith("dvc/files/md5/")] and [key for key in kept if "/runs/" in key]
    written = (first / ".dvc" / "config").read_text() + (first / "dvc.lock").read_text()
    assert "secret" not in written and KEYS["AWS_SECRET_ACCESS_KEY"] not in written

    run("git", "clone", "-q", str(first), str(second), cwd=tmp_path)
    run("dvc", "pull", "-q", cwd=second)
    assert dvc_md5(second / "out") == dvc_md5(first / "out")
    # Without the lock, the run cache of the first clone restores the outputs: no second run, the same bytes.
    shutil.rmtree(second / "out")
    shutil.rmtree(second / ".dvc" / "cache")
    (second / "dvc.lock").unlink()
    run("dvc", "fetch", "-q", "--run-cache", cwd=second)
    assert "is cached - skipping run" in run("dvc", "repro", "--pull", cwd=second)
    assert dvc_md5(second / "out") == dvc_md5(first / "out")


def first_user(root: Path, uri: str) -> None:
    """One of several first users, each with its own folders, as on different machines."""
    root.mkdir()
    tempfile.tempdir = str(root)
    os.environ["MLFLOW_TRACKING_URI"] = uri
    client, experiment = connect(root, "tiny")
    client.create_run(experiment, tags={"who": root.name})


def test_six_first_users_of_a_fresh_postgresql_database_on_machines_of_their_own_all_finish(services, tmp_path):
    import psycopg2

    name = f"fresh_{uuid.uuid4().hex[:8]}"
    who = {"user": "admin", "password": services.passwords["admin"], "dbname": "postgres"}
    admin = psycopg2.connect(host=HOST, port=services.ports["postgres"], **who)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} OWNER mlflow")
    admin.close()
    uri = services.database("mlflow", "postgresql+psycopg2").removesuffix("/mlflow") + f"/{name}"
    assert run_together(first_user, [(tmp_path / str(who), uri) for who in range(6)]) == [0] * 6
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        client, experiment = connect(tmp_path / "0", "tiny")
        assert {run.data.tags["who"] for run in client.search_runs([experiment])} == {str(who) for who in range(6)}


def test_a_stop_leaves_nothing_running_and_postgresql_in_order(services):
    members = family(services)
    assert stop(services.folder) == ["prefect", "mlflow", "postgres"]
    assert not [member for member in members if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]
    assert (services.folder / "postgres.log").read_text().rstrip().endswith("database system is shut down")
    assert stop(services.folder) == []


def test_postgresql_takes_another_port_where_its_own_is_taken_after_the_choice(monkeypatch):
    home = Path(tempfile.mkdtemp(prefix="landloom-postgres-", dir="/var/tmp"))
    home.chmod(0o755)
    state = Services(home, passwords=dict.fromkeys(("admin", "mlflow"), "not-a-password"))
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        state.ports["postgres"] = taken = other.getsockname()[1]
        choices = iter([taken])  # the first choice is out of date when the server starts
        real = postgres.free_port
        monkeypatch.setattr(postgres, "free_port", lambda wanted: next(choices, None) or real(wanted))
        try:
            postgres.start_postgres(state, ["mlflow"])
            assert state.ports["postgres"] != taken
            assert "Address already in use" in (home / "postgres.log").read_text()
            assert query(state, "mlflow", "SELECT 1") == [(1,)]
        except LandloomError as error:
            if "not installed" in str(error) or "cannot enter" in str(error):
                pytest.skip(str(error))
            raise
        finally:
            stop(home)
            shutil.rmtree(home)
