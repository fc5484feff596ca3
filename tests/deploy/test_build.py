"""What `sam build` makes of the functions and the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broadsheet import card
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

    assert found == ours
    for name in ("__pycache__", "bin", "RECORD", "direct_url.json"):
        assert not list(lambdas.layer.rglob(name)), name


def test_the_functions_hold_their_modules_alone(lambdas: Built) -> None:
    folders = {"publish": lambdas.function, "media": lambdas.media, "ping": lambdas.ping}
    for name, folder in folders.items():
        modules = {path.name for path in (ROOT / "functions" / name).glob("*.py")}
        assert {path.name for path in folder.iterdir()} == modules
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
