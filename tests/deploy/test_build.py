"""What `sam build` makes of the functions and the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broadsheet import card
from local import slim
from tests.deploy import programs
from tests.deploy.programs import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.programs import Built

pytestmark = [pytest.mark.deploy, pytest.mark.xdist_group("deploy")]

# What ELF calls the processors.
MACHINES = {"arm64": 183, "x86_64": 62}
# The most that Lambda unpacks for a function and its layers.
LARGEST = 250 * 2**20
# Of bytecode by a hash of its source that nobody looks at: https://peps.python.org/pep-0552/
UNCHECKED = 0b01


def machine_of(library: Path) -> int:
    """The processor that a compiled module is for."""
    header = library.read_bytes()[:20]
    assert header[:4] == b"\x7fELF"
    return int.from_bytes(header[18:20], "little")


@pytest.fixture(scope="module", params=sorted(MACHINES))
def lambdas(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A build as `sam deploy` uploads it: for Lambda's Python, and each processor in turn."""
    return programs.build(tmp_path_factory.mktemp(request.param), "3.13", request.param)


def test_compiled_modules_are_for_the_processor_and_the_python_of_lambda(
    lambdas: Built, request: pytest.FixtureRequest
) -> None:
    arch = request.node.callspec.params["lambdas"]
    libraries = list(lambdas.layer.rglob("*.so"))
    assert libraries
    for library in libraries:
        assert machine_of(library) == MACHINES[arch], library.name
        assert "cpython-313" in library.name or "abi3" in library.name, library.name


def test_the_layer_holds_the_package_whole_and_nothing_of_this_machine(lambdas: Built) -> None:
    source = ROOT / "layers" / "broadsheet" / "broadsheet"
    target = lambdas.layer / "python" / "broadsheet"
    ours = {
        path.relative_to(source): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    found = {
        path.relative_to(target): path.read_bytes() for path in target.rglob("*") if path.is_file()
    }

    made = {path for path in found if {"__pycache__", "compiled"} & set(path.parts)}
    assert {path: data for path, data in found.items() if path not in made} == ours
    for name in ("bin", "RECORD", "direct_url.json"):
        assert not list(lambdas.layer.rglob(name)), name


def test_the_layer_holds_each_template_compiled(lambdas: Built) -> None:
    templates = list((ROOT / "layers/broadsheet/broadsheet/templates").iterdir())
    compiled = list((lambdas.layer / "python/broadsheet/compiled").glob("t_*.py"))

    # By its own name, and by the one at which another can extend it.
    assert len(compiled) == 2 * len(templates)


def test_the_layer_holds_the_models_of_what_is_called_alone(lambdas: Built) -> None:
    data = lambdas.layer / "python" / "botocore" / "data"

    assert {path.name for path in data.iterdir() if path.is_dir()} == {
        *slim.CALLS,
        *slim.OF_OTHERS,
    }
    assert not (lambdas.layer / "python" / "boto3" / "data").exists()


def test_all_is_compiled_for_the_python_of_lambda_where_that_is_here(lambdas: Built) -> None:
    modules = [path for path in lambdas.layer.rglob("*.py") if "__pycache__" not in path.parts]
    bytecode = list(lambdas.layer.rglob("*.pyc"))
    # It is not everywhere, and there the build says so.
    if bytecode:
        assert {path.name.split(".")[-2] for path in bytecode} == {"cpython-313"}
        assert len(bytecode) == len(modules)
    for path in bytecode:
        flags = int.from_bytes(path.read_bytes()[4:8], "little")
        assert flags == UNCHECKED, path
        assert str(lambdas.layer).encode() not in path.read_bytes()


def test_the_functions_hold_their_modules_alone(lambdas: Built) -> None:
    folders = {"publish": lambdas.function, "media": lambdas.media, "ping": lambdas.ping}
    for name, folder in folders.items():
        modules = {path.name for path in (ROOT / "functions" / name).glob("*.py")}
        assert {path.name for path in folder.iterdir()} - {"__pycache__"} == modules
        for module in modules:
            assert (folder / module).read_bytes() == (
                ROOT / "functions" / name / module
            ).read_bytes()


def test_the_layer_holds_what_pictures_and_cards_need(lambdas: Built) -> None:
    packages = lambdas.layer / "python"
    for part in ("_avif", "_webp", "_imagingcms", "_imagingft"):
        assert list((packages / "PIL").glob(f"{part}.*.so")), part
    for face in {*card.SERIF, *card.SANS, *card.REGIONS.values()}:
        assert (packages / face.package / face.file).is_file(), face


def test_lambda_can_unpack_it(lambdas: Built) -> None:
    for function in (lambdas.function, lambdas.media):
        files = [*lambdas.layer.rglob("*"), *function.rglob("*")]
        assert sum(path.stat().st_size for path in files if path.is_file()) < LARGEST
