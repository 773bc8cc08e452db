# make demo: install into .venv and make a portrait talk; make test: install and run the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
TALK := demo/talk.mp4

.PHONY: demo test test-slow lint generated clean

demo: $(VENV)/.installed
	@mkdir -p $(dir $(TALK))
	$(BIN)/lipkit animate lipkit/assets/astronaut.png lipkit/assets/speech.flac -o $(TALK) --force
	@echo "The video is at $(CURDIR)/$(TALK)"

test: $(VENV)/.tested
	$(BIN)/python -m pytest -m "not slow and not gpu"

test-slow: $(VENV)/.tested
	$(BIN)/python -m pytest

lint: $(VENV)/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Man pages and completions, from the command tree
generated: $(VENV)/.tested
	$(BIN)/python man/build.py
	$(BIN)/python completions/build.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP) -e '.[train,metrics,test]'
	@touch $@

clean:
	rm -rf $(VENV) demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache
