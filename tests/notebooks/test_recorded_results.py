"""Recorded results: measured once, read with the hash of their code, refused when the code is another one."""

from __future__ import annotations

import importlib
import json
import re
import sys
import textwrap

import pytest

from course_lib import results

MODULE = '''
"""An experiment of a module of its own."""

from course_lib.results import experiment

SCALE = 2


def helper(x):
    """Twice."""
    return SCALE * x  # the factor


class Model:
    """A class with a method."""

    def predict(self, x):
        return helper(x)


@experiment("planted", rows=[{"size": 1}, {"size": 3}], seeds=(0, 1), depends=(helper, Model, SCALE))
def planted(seed, size):
    """One row."""
    return {"loss": Model().predict(size) + 0.1 * seed, "kind": "sum"}
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module of the package's name with an experiment, and imports it anew."""
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    monkeypatch.setattr(results, "_experiments", {})
    monkeypatch.setattr(results, "NO_FIGURES", ("course_lib.results",))
    folder = tmp_path / "course_lib_planted"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(results, "PACKAGE", "planted_module")

    def write(old="", new=""):
        assert old in MODULE
        (folder / "planted_module.py").write_text(MODULE.replace(old, new, 1) if old else MODULE)
        sys.modules.pop("planted_module", None)
        importlib.invalidate_caches()
        import linecache

        linecache.clearcache()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            return importlib.import_module("planted_module")
        finally:
            sys.dont_write_bytecode = before

    yield write
    sys.modules.pop("planted_module", None)


def test_measure_writes_every_row_and_recorded_reads_it(module):
    module()
    said = []
    path = results.measure("planted", report=said.append)
    assert said[0] == "size 1 · seed 0 · loss 2.0 · kind sum" and len(said) == 4
    content = results.recorded("planted")
    assert content == json.loads(path.read_text())
    assert content["rows"][3] == {"size": 3, "seed": 1, "loss": 6.1, "kind": "sum"}
    assert content["seeds"] == [0, 1] and set(content["versions"]) == {"python", "numpy", "torch"}
    assert re.fullmatch(r"[0-9a-f]{16}", content["code"])
    assert not list(path.parent.glob("*.tmp"))
    before = path.read_bytes()
    results.measure("planted", report=said.append)
    assert path.read_bytes() == before


CHANGES = {
    "the experiment": ("0.1 * seed", "0.2 * seed"),
    "a function": ("SCALE * x", "SCALE * x + 0"),
    "a method": ("return helper(x)", "return helper(x) * 1"),
    "a constant": ("SCALE = 2", "SCALE = 3"),
    "the rows": ('{"size": 3}', '{"size": 4}'),
    "the seeds": ("(0, 1)", "(0, 2)"),
}


@pytest.mark.parametrize("old,new", CHANGES.values(), ids=CHANGES)
def test_figures_of_other_code_are_refused(module, old, new):
    module()
    results.measure("planted", report=lambda line: None)
    module(old, new)
    with pytest.raises(results.StaleResult, match="made by other code"):
        results.recorded("planted")


@pytest.mark.parametrize(
    "old,new", [("# the factor", "# a factor"), ('"""Twice."""', '"""Doubled."""'), ("\n\n\nclass", "\n\n\n\nclass")]
)
def test_comments_and_docstrings_change_no_figure(module, old, new):
    module()
    results.measure("planted", report=lambda line: None)
    module(old, new)
    assert results.recorded("planted")


@pytest.mark.parametrize(
    "old,new,missing",
    [
        ("(helper, Model, SCALE)", "(helper, Model)", "helper uses SCALE = 2"),
        ("(helper, Model, SCALE)", "(helper, SCALE)", "planted uses Model"),
        ("(helper, Model, SCALE)", "(Model, SCALE)", "Model uses helper"),
    ],
)
def test_a_dependency_that_is_not_named_is_an_error(module, old, new, missing):
    module(old, new)
    with pytest.raises(ValueError, match=missing):
        results.measure("planted", report=lambda line: None)


def test_a_wrapped_function_whose_name_holds_an_address_is_refused(module):
    """A hash of its printed form would be another one in every process."""
    module("(helper, Model, SCALE)", "(helper, Model, SCALE, __import__('functools').cache(helper))")
    with pytest.raises(ValueError, match="without a wrapper"):
        results.code_hash("planted")


def test_a_module_may_name_itself(module):
    loaded = module("(helper, Model, SCALE)", "(__import__('sys').modules[__name__],)")
    assert results.undeclared(results.find("planted")) == []
    first = results.code_hash("planted")
    module("SCALE = 2", "SCALE = 5")
    assert loaded and results.code_hash("planted") != first


def test_what_was_never_measured_and_what_is_unknown(module):
    module()
    with pytest.raises(results.StaleResult, match="never measured"):
        results.recorded("planted")
    with pytest.raises(KeyError, match="no experiment 'nothing'"):
        results.recorded("nothing")


def test_a_figure_that_is_no_number_or_has_an_arguments_name_is_refused(module):
    module('"loss": Model', '"size": Model')
    with pytest.raises(ValueError, match="name of an argument"):
        results.measure("planted", report=lambda line: None)
    module("Model().predict(size) + 0.1 * seed", "float('nan')")
    with pytest.raises(ValueError, match="loss is nan"):
        results.measure("planted", report=lambda line: None)
    assert not results.path_of("planted").exists()


def test_a_row_is_recomputed(module):
    module()
    path = results.measure("planted", report=lambda line: None)
    assert [results.recomputed_differences("planted", n) for n in range(4)] == [[]] * 4
    content = json.loads(path.read_text())
    content["rows"][2]["loss"] += 0.001
    path.write_text(json.dumps(content))
    assert "planted, row 2: loss was 6.001, is 6.0" in results.recomputed_differences("planted", 2)
    assert results.recomputed_differences("planted", 1) == []


@pytest.mark.parametrize("name", ["Bad_Name", "a--b", ""])
def test_names_are_words(name):
    with pytest.raises(ValueError):
        results.experiment(name)


def test_nothing_to_compute_is_refused():
    with pytest.raises(ValueError, match="nothing to compute"):
        results.experiment("x", rows=[])


# ------------------------------------------------------------------------------------------------------ those committed

COMMITTED = sorted(path.stem for path in results.FOLDER.glob("*.json"))


def test_every_experiment_is_measured_and_every_file_has_one():
    assert COMMITTED == results.names()


@pytest.mark.parametrize("name", COMMITTED)
def test_a_committed_result_is_of_the_present_code(name):
    content = results.recorded(name)
    one = results.find(name)
    assert content["name"] == name and len(content["rows"]) == len(one.rows) * len(one.seeds)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMITTED)
def test_a_row_of_a_committed_result_is_computed_again(name):
    assert results.recomputed_differences(name) == []


def test_importing_it_imports_no_torch():
    import subprocess

    code = "import sys, course_lib.results, course_lib.claims, course_lib.lessons, course_lib.exercises; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
