"""What a process that starts does not do: counts, as times differ from machine to machine."""

from __future__ import annotations

import ast
import json
import random
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from jinja2 import DictLoader, UndefinedError

from broadsheet import clients, store, templating
from broadsheet.clients import clients_of
from local import slim
from local.template import ROOT
from tests.newsroom import DONE
from tests.pages import HOSTILE, HOSTILE_CONFIG, all_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.newsroom import Newsroom

DATA = Path(botocore.__file__).parent / "data"
# What store.py calls its clients.
CLIENTS = {
    "_s3": "s3",
    "_cloudfront": "cloudfront",
    "sqs": "sqs",
    "events": "events",
    "redirects": "cloudfront-keyvaluestore",
    "scheduler": "scheduler",
    "states": "stepfunctions",
}


# Imports and clients


def started(program: str, **environ: str) -> Any:
    """What a program, started as on Lambda and without a network, prints last: JSON."""
    guard = (
        "import json, socket, sys\n"
        "def connect(*_): raise AssertionError('nobody is called')\n"
        "socket.socket.connect = connect\n"
    )
    # Where a redirect has changed in this process, Python looks for awscrt, which is off the path.
    path = [folder for folder in sys.path if folder not in clients._CRT]  # noqa: SLF001 (no other says)
    lambdas = {
        "PYTHONPATH": ":".join(path),
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_LAMBDA_FUNCTION_NAME": "publish",
        "LAMBDA_TASK_ROOT": "/var/task",
        "SOURCE_BUCKET": "source",
        "SITE_BUCKET": "site",
        "DISTRIBUTION_ID": "E",
        "SITE_URL": "https://news.example.org",
    }
    done = subprocess.run(
        [sys.executable, "-c", guard + program],
        env=lambdas | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_new_process_loads_nothing_that_few_publishes_use() -> None:
    modules = set(started("import app; print(json.dumps(list(sys.modules)))"))

    assert "broadsheet.card" in modules
    few = {"PIL.Image", "PIL._imaging", "anyascii", "awscrt", "zoneinfo", "broadsheet.verify"}
    for module in few:
        assert module not in modules, module


def test_a_process_and_its_threads_keep_to_one_processor() -> None:
    program = (
        "import app, os\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(1) as pool: kept = pool.submit(os.sched_getaffinity, 0).result()\n"
        "print(json.dumps(len(kept)))"
    )

    assert started(program) == 1


def test_a_process_that_may_not_choose_its_processor_starts_all_the_same() -> None:
    program = (
        "import os\n"
        "def refused(*_): raise PermissionError(1, 'Operation not permitted')\n"
        "os.sched_setaffinity = refused\n"
        "import app\n"
        "print(json.dumps(app.lambda_handler({'Event': 's3:TestEvent'}, None)))"
    )

    assert started(program) == DONE


def test_x_rays_sdk_is_loaded_only_where_traces_are_wanted() -> None:
    program = "import app; print(json.dumps(any('xray' in name for name in sys.modules)))"

    assert started(program, POWERTOOLS_TRACE_DISABLED="true") is False
    assert started(program, POWERTOOLS_TRACE_DISABLED="false") is True


def test_where_traces_are_wanted_x_ray_is_told_of_each_invocation() -> None:
    program = (
        "import app\n"
        "app.lambda_handler({'Event': 's3:TestEvent'}, None)\n"
        "daemon.settimeout(10)\n"
        "print(json.dumps(json.loads(daemon.recv(65536).decode().partition('\\n')[2])))"
    )
    daemon = (
        "import os\n"
        "daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "daemon.bind(('127.0.0.1', 0))\n"
        "os.environ['AWS_XRAY_DAEMON_ADDRESS'] = '127.0.0.1:%d' % daemon.getsockname()[1]\n"
    )
    trace = "1-6566b2f0-0123456789abcdef01234567"
    header = f"Root={trace};Parent=53995c3f42cd8ad8;Sampled=1"
    told = started(daemon + program, _X_AMZN_TRACE_ID=header)

    assert told["trace_id"] == trace
    assert told["name"] == "## lambda_handler"


def test_a_process_that_starts_for_an_event_makes_no_client() -> None:
    program = "import app; from broadsheet.clients import clients_of; print(json.dumps({}))"

    assert started(program.format("clients_of.cache_info().misses")) == 0


def test_a_process_that_starts_ahead_makes_the_two_clients_that_every_publish_uses() -> None:
    program = "import app; from broadsheet.clients import clients_of; print(json.dumps({}))"
    made = "sorted(clients_of('', 32)._made)"
    ahead = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}

    assert started(program.format(made), **ahead) == ["cloudfront", "s3"]
    # And does not make them once more.
    assert started(program.format("clients_of.cache_info().misses"), **ahead) == 1


def test_a_process_that_starts_ahead_has_its_templates_ready() -> None:
    program = (
        "import app; from broadsheet.templating import environment;"
        "print(json.dumps([name for _, name in environment().cache.keys()]))"
    )
    loaded = set(started(program, AWS_LAMBDA_INITIALIZATION_TYPE="provisioned-concurrency"))

    assert {"article.html", "scope.html", "rss.xml"} <= loaded


def test_a_new_process_looks_for_garbage_again_once_it_has_started() -> None:
    assert started("import app, gc; print(json.dumps(gc.isenabled()))") is True
    assert started("import app, gc; print(json.dumps(gc.get_freeze_count()))") > 10_000


def test_settings_that_lack_something_are_told_by_the_handler_and_not_by_the_start() -> None:
    program = (
        "import app\n"
        "try: app.lambda_handler({'Records': []}, None)\n"
        "except app.SettingsError as error: print(json.dumps(str(error)))"
    )

    assert "SITE_URL" in started(program, SITE_URL="", AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")


def test_a_client_is_made_once_when_it_is_first_used() -> None:
    made = clients.Clients("", 1)

    assert made.sqs is made.sqs
    assert made.redirects is made.redirects


def test_what_is_written_is_sent_at_once_and_not_read_before() -> None:
    program = (
        "from broadsheet.clients import Clients\n"
        "def send(request, **_):\n"
        "    headers = {name.lower(): str(value) for name, value in request.headers.items()}\n"
        "    print(json.dumps([request.url, type(request.body).__name__, headers]))\n"
        "    sys.exit()\n"
        "s3 = Clients('', 1).s3\n"
        "s3.meta.events.register('before-send', send)\n"
        "s3.put_object(Bucket='site', Key='index.html', Body=b'<!doctype html>')\n"
    )
    url, body, headers = started(program)

    assert url.startswith("https://")
    assert body == "bytes"
    assert "expect" not in headers
    assert headers["x-amz-content-sha256"] == "b'UNSIGNED-PAYLOAD'"


def test_the_times_of_answers_are_not_parsed(newsroom: Newsroom) -> None:
    newsroom.upload("a")
    s3 = clients_of("", 32).s3
    head = s3.head_object(Bucket="source-bucket", Key="articles/a.json")
    assert isinstance(head["LastModified"], str)


def test_processes_of_one_snapshot_do_not_draw_the_same(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn() -> float:
        random.seed(0)  # as it is in the snapshot
        assert newsroom.deliver(event={"Event": "s3:TestEvent"}) == DONE
        return random.random()  # noqa: S311 (no secret)

    assert drawn() == drawn()
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    assert drawn() != drawn()


# Models


def test_the_layer_keeps_the_models_of_what_the_code_calls() -> None:
    tree = ast.parse(Path(store.__file__).read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {service: set() for service in CLIENTS.values()}
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Attribute(ast.Attribute(attr=client), method)) if client in CLIENTS:
                operation = "".join(word.capitalize() for word in method.split("_"))
                found[CLIENTS[client]].add(operation)

    assert found == slim.CALLS


def test_only_the_store_makes_clients() -> None:
    for folder in ("functions", "layers/broadsheet/broadsheet"):
        for path in (ROOT / folder).rglob("*.py"):
            makes = re.search(r"^\s*(import|from) boto", path.read_text("utf-8"), re.MULTILINE)
            assert not makes or str(path) in {store.__file__, clients.__file__}, path


@pytest.fixture(scope="module")
def trimmed_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Botocore's data as the layer has it, made of some of what there is."""
    data = tmp_path_factory.mktemp("botocore") / "data"
    data.mkdir()
    for path in DATA.iterdir():
        if path.is_file():
            shutil.copy2(path, data)
        elif path.name in {*slim.CALLS, *slim.OF_OTHERS, "ec2"}:
            shutil.copytree(path, data / path.name)
    slim.trim_models(data)
    return data


def session(data: Path) -> botocore.session.Session:
    made = botocore.session.get_session()
    loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    made.register_component("data_loader", loader)
    return made


def described(shape: Shape | None, seen: frozenset[str] = frozenset()) -> Any:
    """All that a shape says to botocore."""
    if shape is None or shape.name in seen:
        return shape and shape.name
    seen |= {shape.name}
    own = (shape.name, shape.type_name, shape.serialization, shape.metadata)
    match shape:
        case StructureShape():
            members = [(name, described(one, seen)) for name, one in shape.members.items()]
            return (*own, members)
        case ListShape():
            return (*own, described(shape.member, seen))
        case MapShape():
            return (*own, described(shape.key, seen), described(shape.value, seen))
    return own


def test_a_trimmed_model_says_the_same_of_each_operation(trimmed_data: Path) -> None:
    whole, ours = Loader(), session(trimmed_data).get_component("data_loader")
    for service, calls in slim.CALLS.items():
        full = ServiceModel(whole.load_service_model(service, "service-2"), service)
        trimmed = ServiceModel(ours.load_service_model(service, "service-2"), service)
        assert set(trimmed.operation_names) == calls | slim.OF_OTHERS.get(service, set())
        assert trimmed.metadata == full.metadata
        for name in trimmed.operation_names:
            one, other = trimmed.operation_model(name), full.operation_model(name)
            assert (one.http, one.auth, one.http_checksum, one.static_context_parameters) == (
                (other.http, other.auth, other.http_checksum, other.static_context_parameters)
            )
            assert described(one.input_shape) == described(other.input_shape)
            assert described(one.output_shape) == described(other.output_shape)
            assert list(map(described, one.error_shapes)) == list(
                map(described, other.error_shapes)
            )


def test_trimmed_data_sends_calls_where_the_whole_sends_them(trimmed_data: Path) -> None:
    for region in ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "xx-unknown-9"):
        for service in slim.CALLS:
            one, other = (
                made.create_client(service, region_name=region).meta
                for made in (session(trimmed_data), botocore.session.get_session())
            )
            assert (one.endpoint_url, one.partition) == (other.endpoint_url, other.partition)


def test_trimmed_data_holds_nothing_else(trimmed_data: Path) -> None:
    folders = {path.name for path in trimmed_data.iterdir() if path.is_dir()}
    size = sum(path.stat().st_size for path in trimmed_data.rglob("*") if path.is_file())

    assert folders == {*slim.CALLS, *slim.OF_OTHERS}
    assert size < 400_000
    for service in folders:
        (version,) = (trimmed_data / service).iterdir()
        assert not list(version.glob("*.gz"))


def test_a_day_of_publishing_needs_no_more_than_trimmed_data(
    newsroom: Newsroom, trimmed_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trimmed = session(trimmed_data)
    monkeypatch.setattr(botocore.session, "get_session", lambda: trimmed)
    clients_of.cache_clear()

    assert newsroom.deliver(newsroom.upload("a", topics=["Harbour"])) == DONE
    assert newsroom.deliver(newsroom.upload("b", title="")) == DONE
    assert newsroom.receipt("articles/b.json")["status"] == "rejected"
    newsroom.assert_converged()
    clients_of.cache_clear()


# Templates


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Templates compiled ahead; names of those that have been loaded from there."""
    name = f"compiled_{tmp_path.name.replace('-', '_')}"
    templating.compile_templates(tmp_path / name)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(templating, "COMPILED", name)
    loaded: list[str] = []

    def noted(module: str) -> Any:
        found = import_module(module)
        loaded.append(found.name)
        return found

    monkeypatch.setattr(templating, "import_module", noted)
    templating.environment.cache_clear()
    yield loaded
    templating.environment.cache_clear()


def bodies() -> list[dict[str, bytes]]:
    found = [all_pages(), all_pages(HOSTILE_CONFIG, HOSTILE), all_pages(count=0)]
    return [{key: page.body for key, page in pages.items()} for pages in found]


AS_IT_IS = bodies()


def test_pages_of_compiled_templates_are_the_same(compiled: list[str]) -> None:
    assert bodies() == AS_IT_IS
    own = ROOT / "layers/broadsheet/broadsheet/templates"
    unused = {"moved.html", "picture.html"}
    assert {path.name for path in own.iterdir()} - unused <= set(compiled)


def test_all_templates_are_compiled(compiled: list[str]) -> None:
    templating.load()

    own = ROOT / "layers/broadsheet/broadsheet/templates"
    assert {path.name for path in own.iterdir()} <= set(compiled)


def test_a_template_that_has_changed_since_is_not_taken_from_there(
    compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = DictLoader({"robots.txt": "changed", "404.html": "{{ nothing }} changed"})
    monkeypatch.setattr(templating, "_sources", lambda: changed)

    assert templating.environment().get_template("robots.txt").render() == "changed"
    assert compiled == []


@pytest.mark.usefixtures("compiled")
def test_a_compiled_template_insists_on_its_values() -> None:
    for name in ("article.html", "rss.xml", "icon.svg"):
        with pytest.raises(UndefinedError):
            templating.environment().get_template(name).render()
