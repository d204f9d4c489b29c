# `make demo` trains UniCLIP on the embedded corpus and shows zero-shot results;
# `make test` lints and runs the tests. Both start from nothing but Python.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
CORPUS := data/emoji
WORKDIR ?= runs/emoji
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint clean

demo: $(INSTALLED)
	$(RUN) experiments.prepare_emoji --output_dir=$(CORPUS)
	$(RUN) experiments.pretrain --config=experiments/configs/emoji.py --workdir=$(WORKDIR)
	$(RUN) experiments.evaluate --workdir=$(WORKDIR)
	rm -rf $(WORKDIR)/saved_model
	$(RUN) experiments.export --workdir=$(WORKDIR)

test: lint
	$(RUN) pytest --numprocesses=2 --dist=loadfile --capture=sys

lint: $(INSTALLED)
	$(RUN) ruff check .
	$(RUN) ruff format --check .

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "error: Python %d.%d is not supported: TensorFlow needs 3.11, 3.12 or 3.13; name one, as in `make PYTHON=python3.12`." % v)'
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check --editable .
	@touch $@

clean:
	rm -rf $(VENV)
