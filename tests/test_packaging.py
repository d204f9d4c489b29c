"""What is installed: dependencies, extras, version and license agree."""

import ast
import pathlib
import re
import sys
import tomllib

import uniclip_keras

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [
    line
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def import_names(requirements):
    """The modules that packages of these requirements provide."""
    names = [re.match(r"[\w-]+", line).group() for line in requirements]
    return {name.replace("-", "_").lower() for name in names}


def test_requirements_are_those_of_the_library_and_its_extras():
    # PyTorch is for those who ask for it.
    asked_for = {"clip-benchmark"}
    by_extra = [
        line
        for extra, lines in EXTRAS.items()
        if extra not in asked_for
        for line in lines
    ]
    assert PROJECT["dependencies"] + by_extra == REQUIREMENTS


def test_the_checkout_has_what_it_promises():
    assert import_names(REQUIREMENTS) >= {
        "absl_py",
        "keras",
        "keras_cv",
        "keras_nlp",
        "tensorflow",
        "tensorflow_datasets",
    }


def test_the_library_imports_its_own_dependencies_alone():
    """Extras are imported inside the functions that need them."""
    own = import_names(PROJECT["dependencies"]) | {"uniclip_keras"}
    # Of protobuf, which TensorFlow's own messages are made of.
    own |= {"google"}
    extras = import_names(
        EXTRAS["tfds"] + EXTRAS["parquet"] + EXTRAS["weights"]
    )
    # Of scikit-learn, the extra `evaluation`.
    extras |= {"sklearn"}
    for path in sorted((ROOT / "uniclip_keras").rglob("*.py")):
        tree = ast.parse(path.read_text())
        anywhere = third_party_imports(ast.walk(tree))
        assert third_party_imports(tree.body) <= own, path
        assert anywhere <= own | extras, path


def third_party_imports(nodes):
    modules = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module)
    names = {module.split(".")[0] for module in modules}
    return names - set(sys.stdlib_module_names)


def test_the_wheel_holds_the_library_alone():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = settings["tool"]["setuptools"]["packages"]
    assert packages == {"find": {"include": ["uniclip_keras*"]}}


def test_the_version_is_said_once():
    # setuptools reads a literal without importing TensorFlow.
    source = (ROOT / "uniclip_keras/__init__.py").read_text()
    (version,) = re.findall(r'^__version__ = "([\d.]+)"$', source, re.M)
    assert version == uniclip_keras.__version__
    assert "version" in PROJECT["dynamic"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## (.+)$", changes, re.M).group(1) == version


def test_the_license_is_the_one_that_is_named():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text and "Version 2.0, January 2004" in text
    assert PROJECT["license"] == "Apache-2.0"
    assert "\nlicense: Apache-2.0\n" in (ROOT / "CITATION.cff").read_text()
