"""What an install brings: few packages, all pinned with hashes, none of them a vendor's SDK."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
MOST_DISTRIBUTIONS, MOST_BYTES = 25, 70 * 10**6
VENDORS = (
    *("ai21", "anthropic", "aws", "azure", "boto3", "botocore", "cohere", "databricks", "deepseek", "google", "groq"),
    *("huggingface", "ibm", "langchain", "litellm", "mistralai", "mlflow", "ollama", "openai", "replicate", "together"),
    *("vertexai", "voyageai", "zai"),
)


def entries(lock):
    """Each requirement of a lock, as its text up to the comments that follow it."""
    text = re.sub(r"^\s*#.*\n?", "", lock.read_text(), flags=re.MULTILINE)
    return [entry.replace("\\\n", " ") for entry in re.split(r"\n(?=\S)", text.strip())]


def pins(lock):
    """The requirements of a lock by name, without their hashes."""
    found = [Requirement(entry.split("--hash")[0].strip()) for entry in entries(lock)]
    return {canonicalize_name(one.name): one for one in found}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def core():
    return pins(ROOT / "requirements" / "core.lock")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Our own wheel, built as a release builds it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.iterdir()
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_line_of_a_lock_is_pinned_with_hashes(lock):
    """Each requirement names one exact version and at least one SHA-256."""
    wrong = [
        entry
        for entry in entries(lock)
        if not re.fullmatch(r"[\w.-]+==\S+( ; [^;]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry)
    ]
    assert wrong == []


def test_requirements_name_no_place_to_fetch_from():
    """Where packages come from is the installer's business: no file names a host."""
    files = [*(ROOT / "requirements").iterdir(), ROOT / "Makefile", ROOT / ".pre-commit-config.yaml"]
    wrong = [file.name for file in files if re.search(r"://|--(extra-)?index-url\s+\S*[.]", file.read_text())]
    assert wrong == []


def test_locks_agree_with_each_other():
    """A package that stands in several locks has one version, so that one environment can hold them all."""
    versions = {}
    for lock in LOCKS:
        for name, pin in pins(lock).items():
            versions.setdefault(name, set()).add(str(pin.specifier))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_core_lock_meets_the_project_requirements(project, core):
    """Every dependency of the project is locked, at a version it allows."""
    wrong = []
    for text in project["project"]["dependencies"]:
        wanted = Requirement(text)
        pin = core.get(canonicalize_name(wanted.name))
        if pin is None or not wanted.specifier.contains(str(pin.specifier).removeprefix("==")):
            wrong.append(f"{text}: locked as {pin}")
    assert wrong == []


def test_the_build_backend_is_locked_as_the_project_names_it(project):
    """What builds the project is what `build.lock` installs."""
    locked = pins(ROOT / "requirements" / "build.lock")
    wanted = [Requirement(text) for text in project["build-system"]["requires"]]
    assert [str(locked[canonicalize_name(one.name)]) for one in wanted] == [str(one) for one in wanted]


def test_the_core_is_few_distributions(core):
    """The core and Gatewright itself are at most 25 distributions."""
    assert len(core) + 1 <= MOST_DISTRIBUTIONS


def test_no_vendor_sdk_is_in_the_core(core):
    """Providers are called by our own client, so none of their packages is installed.

    `protobuf` is the one package of a vendor's name space that is a format and not an SDK.
    """
    assert [name for name in core if name.split("-")[0] in VENDORS] == []


def test_the_installed_core_is_small(core, wheel):
    """The core takes at most 70 MB on disk.

    Counted: the files that the wheels of the core's distributions unpack on this platform, by each distribution's own
    record, and the files of our own wheel; bytecode caches are not counted, nor is Python itself.
    """
    wanted = [name for name, pin in core.items() if pin.marker is None or pin.marker.evaluate()]
    sizes = {name: unpacked_size(name) for name in wanted}
    sizes["gatewright"] = sum(item.file_size for item in wheel.infolist())
    assert all(sizes.values()), "a core package without files was not counted"
    assert sum(sizes.values()) <= MOST_BYTES, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def unpacked_size(name):
    files = metadata.distribution(name).files
    assert files is not None, f"{name} has no record of its files"
    return sum(file.locate().stat().st_size for file in files if file.suffix != ".pyc")


def test_our_wheel_holds_our_package_and_nothing_that_runs_by_itself(wheel):
    """The wheel has the package, its data and its licence, and no `.pth` file."""
    names = wheel.namelist()
    version = re.search(r'__version__ = "(.+)"', (ROOT / "src/gatewright/__init__.py").read_text())[1]
    about = f"gatewright-{version}.dist-info/"
    assert [name for name in names if not name.startswith(("gatewright/", about)) or name.endswith(".pth")] == []
    assert {"gatewright/py.typed", f"{about}licenses/LICENSE", f"{about}entry_points.txt"} <= set(names)
    source = ROOT / "src" / "gatewright"
    modules = {f"gatewright/{path.relative_to(source).as_posix()}" for path in source.rglob("*.py")}
    assert modules <= set(names)
