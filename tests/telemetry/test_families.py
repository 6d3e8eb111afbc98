"""The registry of metrics, and what docs/operations.md says of it."""

import re
from pathlib import Path

import yaml

from gatewright.telemetry.families import FAMILIES

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()


def test_the_table_of_the_documentation_is_the_registry():
    """Row by row: name, kind, labels, meaning."""
    rows = [
        (family.name, family.kind, ", ".join(f"`{label}`" for label in family.labels), family.meaning.rstrip("."))
        for family in FAMILIES
    ]
    documented = re.findall(
        r"^\| `((?:gatewright|process)_\w+)` \| (\w+) \| ?([^|]*?) ?\| (.*) \|$", PAGE, re.MULTILINE
    )
    assert documented == rows


def test_the_suggested_alerts_are_rules_over_metrics_that_there_are():
    """They are read as YAML, and each name and label in an expression is one of the registry."""
    (rules,) = [
        group["rules"]
        for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
        for group in yaml.safe_load(block).get("groups", [])
    ]
    assert len(rules) > 8
    names = {family.name for family in FAMILIES}
    labels = {label for family in FAMILIES for label in family.labels} | {"le", "instance"}
    for rule in rules:
        used = re.findall(r"\b(?:gatewright|process)_\w+", rule["expr"])
        assert used
        assert {name.removesuffix("_bucket") for name in used} <= names, rule
        grouped = re.findall(r"by \(([^)]*)\)", rule["expr"]) + re.findall(r"(\w+)!?=\"", rule["expr"])
        assert {label for text in grouped for label in text.split(", ")} <= labels, rule


def test_names_are_as_prometheus_wants_them():
    """Counters end with their kind, times are in seconds, sizes in bytes: https://prometheus.io/docs/practices/naming/."""
    for family in FAMILIES:
        assert re.fullmatch(r"[a-z][a-z_]+", family.name)
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert family.name.endswith("_seconds") or family.kind != "histogram"
        assert list(family.bounds) == sorted(set(family.bounds))
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
