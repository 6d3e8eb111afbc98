"""The command line of the benchmark."""

import argparse
import datetime as dt
import json
import sys
from pathlib import Path
from typing import TypeVar

from bench import contestants, page, workloads
from bench.run import run

ROOT = Path(__file__).parent.parent
_T = TypeVar("_T")

_TEACH = """\
Compares gateways on this machine: the gateway alone on one core, the load generator and a mock provider on the others.
Figures are only worth something when nothing else runs here. Three forms:

  make bench            the short form, a few minutes for each contestant that is installed
  make bench QUICK=1    under a minute: does the benchmark itself work?
  make bench LONG=1     what docs/benchmarks.md is made from; hours with all contestants

  make bench-peers      install the other contestants: Debian packages, and bench/.peers
  make bench-page RUN=bench/results/FILE.json
                        write docs/benchmarks.md from a run

Raw data goes to bench/results/. For a part of it:

  python -m bench run --only gatewright,nginx --workloads chat-64,stream
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=_TEACH, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="measure")
    one.add_argument("--form", choices=workloads.FORMS, default="short", help="how long (default: short)")
    one.add_argument("--only", help="contestants, with commas; quick takes only direct and gatewright by default")
    one.add_argument("--workloads", help="workloads, with commas (default: all)")
    one.add_argument("--output", type=Path, help="file for the raw data (default: a new one in bench/results)")
    write = commands.add_parser("page", help="write docs/benchmarks.md from a run")
    write.add_argument("file", type=Path, help="raw data of a run")
    write.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    commands.add_parser("list", help="list contestants and workloads")
    return parser


def main() -> int:
    """Do what the command line says; the exit code."""
    parser = _parser()
    options = parser.parse_args()
    if options.command == "page":
        page.write(json.loads(options.file.read_text()), options.file.name, options.output)
        print(f"Wrote {options.output}")
        return 0
    if options.command == "list":
        for who in contestants.ALL:
            print(f"{who.name:18} {who.title}{'' if who.program() else f'  (not installed: {who.install})'}")
        print()
        for what in workloads.ALL:
            print(f"{what.name:18} {what.title}")
        return 0
    form = workloads.FORMS[options.form]
    quick = "direct,gatewright" if form.name == "quick" else None
    who_chosen = _chosen(parser, "contestant", options.only or quick, {one.name: one for one in contestants.ALL})
    what_chosen = _chosen(parser, "workload", options.workloads, {one.name: one for one in workloads.ALL})
    result = run(form, who_chosen, what_chosen)
    name = f"{dt.datetime.now(dt.UTC):%Y-%m-%d-%H%M}-{form.name}.json"
    output = options.output or ROOT / "bench" / "results" / name
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=1) + "\n")
    print(f"Raw data: {output}")
    print(page.targets(result))
    return 1 if result["failures"] or not result["figures"] else 0


def _chosen(parser: argparse.ArgumentParser, kind: str, names: str | None, known: dict[str, _T]) -> list[_T]:
    if names is None:
        return list(known.values())
    wrong = [name for name in names.split(",") if name not in known]
    if wrong:
        parser.error(f"no such {kind}: {', '.join(wrong)}; there are {', '.join(known)}")
    return [known[name] for name in names.split(",")]


if __name__ == "__main__":
    sys.exit(main())
