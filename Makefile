# `make demo` trains UniCLIP on the emoji corpus and shows zero-shot results.
# `make test` lints and runs the tests.
# `make wheel-check` runs the README's example on the wheel alone.
# Each starts from nothing but Python.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
INSTALLED := $(VENV)/.installed
CORPUS := data/emoji
WORKDIR ?= runs/emoji
WHEEL_CHECK := build/wheel-check
CHECK_PYTHON := $(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "error: Python %d.%d is not supported: TensorFlow needs 3.11, 3.12 or 3.13; name one, as in `make PYTHON=python3.12`." % v)'

.PHONY: demo test lint wheel-check clean

demo: $(INSTALLED)
	$(RUN) experiments.prepare_emoji --output_dir=$(CORPUS)
	$(RUN) experiments.pretrain --config=experiments/configs/demo.py --workdir=$(WORKDIR)
	$(RUN) experiments.evaluate --workdir=$(WORKDIR)
	rm -rf $(WORKDIR)/saved_model
	$(RUN) experiments.export --workdir=$(WORKDIR)

test: lint
	$(RUN) pytest --numprocesses=2 --dist=loadfile --capture=sys

lint: $(INSTALLED)
	$(RUN) ruff check .
	$(RUN) ruff format --check .

# An empty environment gets the wheel with its own dependencies and no extra.
wheel-check:
	@$(CHECK_PYTHON)
	rm -rf build
	$(PYTHON) -m venv $(WHEEL_CHECK)/venv
	$(WHEEL_CHECK)/venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir=$(WHEEL_CHECK) .
	$(WHEEL_CHECK)/venv/bin/python $(PIP_INSTALL) $(WHEEL_CHECK)/*.whl
	$(WHEEL_CHECK)/venv/bin/python tests/helpers/documents.py README.md

$(INSTALLED): requirements.txt pyproject.toml
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP_INSTALL) --requirement requirements.txt
	$(VENV)/bin/python $(PIP_INSTALL) --no-deps --editable .
	@touch $@

clean:
	rm -rf $(VENV) build
