"""The documents say what is so: settings, commands, routes and links."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatewright.cli import main
from gatewright.gateway.operations import ROUTES
from gatewright.settings import CLOUD, PREFIX, TAGS, settable

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def read(name):
    return (ROOT / name).read_text()


def test_every_setting_is_documented_and_every_documented_one_exists():
    """The table of docs/operations.md is complete, in both directions."""
    known = {PREFIX + one.name.upper() for one in settable()}
    documented = set(re.findall(r"^\| `(GATEWRIGHT_[A-Z_]+)`", read("docs/operations.md"), re.MULTILINE))
    assert documented == known


def test_every_tag_is_documented_and_every_documented_one_exists():
    """The table of docs/operations.md has each row as the table of the source has it, and no others."""
    rows = [f"| `{t.name}` | `{PREFIX}{t.variable.upper()}` | {t.values} | {t.says} |" for t in TAGS.values()]
    assert re.findall(r"^\| `gatewright\.[a-z-]+`.*", read("docs/operations.md"), re.MULTILINE) == rows


def test_every_variable_of_the_clouds_that_is_read_is_documented():
    """And no other."""
    documented = set(re.findall(r"`((?:AWS|GOOGLE|GCE|CLOUDSDK)_[A-Z_0-9]+)`", read("docs/operations.md")))
    assert documented == set(CLOUD)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_inside_the_project_lead_somewhere(page):
    """Relative links and pictures."""
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_readme_shows_the_commands_a_newcomer_needs():
    """One obvious way to start, and the test command CI calls."""
    for command in ("make demo", "make test", "gatewright serve", "gatewright apply -f", "gatewright keys create"):
        assert command in read("README.md")


def test_commands_named_in_the_documents_exist():
    """Each `gatewright COMMAND SUBCOMMAND` answers to --help."""
    text = "\n".join(page.read_text() for page in PAGES)
    named = set(re.findall(r"gatewright ((?:db|secrets|keys|endpoints) [a-z]+|serve|apply|demo|reload)\b", text))
    assert len(named) > 6
    for command in sorted(named):
        assert CliRunner().invoke(main, [*command.split(), "--help"]).exit_code == 0, command


def test_the_readme_names_the_routes_there_are():
    """Each path of the README's table begins the path of an operation or of a management route."""
    rows = re.findall(r"^\| (`[^|]*) \|", read("README.md"), re.MULTILINE)
    named = {path.rstrip("…") for row in rows for path in re.findall(r"`(?:GET )?(/[^`]*)`", row)}
    assert len(named) > 8
    served = {path for _, path, _ in ROUTES} | {
        "/api/3.0/mlflow/gateway/",
        "/api/v1/requests",
        "/api/v1/targets",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/health",
        "/health/live",
    }
    assert {path for path in named if not any(known.startswith(path) for known in served)} == set()


def test_decisions_are_numbered_without_gaps():
    """docs/adr/0001… in order."""
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
