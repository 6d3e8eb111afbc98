"""Write the comments of the .proto files where the OpenAPI document finds them.

    python scripts/generate_reference.py [TARGET_FILE]

The result is checked in; `tests/control/api/test_comments.py` fails when it drifts.
"""

import json
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "proto"
TARGET = ROOT / "src" / "gatewright" / "control" / "api" / "comments.json"


def comments() -> dict[str, str]:
    """Each leading comment by the name of what it stands before, without the package.

    Raises:
        SystemExit: protoc refused a file; it has printed why.
    """
    with TemporaryDirectory() as scratch:
        out = Path(scratch) / "set"
        protos = sorted(path.as_posix() for path in SOURCES.rglob("*.proto"))
        includes = [f"-I{SOURCES}", f"-I{files('grpc_tools') / '_proto'}"]
        arguments = ["protoc", *includes, "--include_source_info", f"--descriptor_set_out={out}", *protos]
        if status := protoc.main(arguments):
            raise SystemExit(status)
        found = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    return {name: text for file in found.file if "options" not in file.name for name, text in _of_file(file)}


def _of_file(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        text = " ".join(location.leading_comments.split())
        if text:
            yield _name(file, list(location.path)), text


def _name(file: descriptor_pb2.FileDescriptorProto, path: list[int]) -> str:
    """The dotted name at a path of field numbers and indexes, as `SourceCodeInfo` gives it."""
    names: list[str] = []
    node: Any = file
    for number, index in zip(path[::2], path[1::2], strict=True):
        node = getattr(node, node.DESCRIPTOR.fields_by_number[number].name)[index]
        names.append(node.name)
    return ".".join(names)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(json.dumps(comments(), indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
