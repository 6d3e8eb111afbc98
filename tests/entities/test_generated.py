"""The generated code is what the sources say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "src" / "gatewright" / "entities" / "proto"


def texts(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.suffix in (".py", ".pyi")}


def test_the_checked_in_code_is_what_the_compiler_makes_of_the_sources(tmp_path):
    """Generating anew changes nothing."""
    script = ROOT / "scripts" / "generate_proto.py"
    subprocess.run([sys.executable, script, tmp_path], check=True)
    made, kept = texts(tmp_path), texts(CHECKED_IN)
    assert sorted(made) == sorted(kept)
    stale = [name for name, text in made.items() if text != kept[name]]
    assert stale == [], "run `make proto`"


def test_every_source_file_has_its_module():
    """No `.proto` file is left out of the generated package."""
    sources = {path.stem for path in (ROOT / "proto").rglob("*.proto")}
    assert {path.stem.removesuffix("_pb2") for path in CHECKED_IN.glob("*_pb2.py")} == sources
