# Every target finishes the set-up by itself: course_lib/bootstrap.py makes .venv on the first call, and every later
# call only compares a hash. `python -m course_lib TARGET` does the same where there is no make.
#
#   make lab TORCH_INDEX=https://download.pytorch.org/whl/cpu     Linux without GPU: spares the CUDA wheels
#   make check ARGS=03                                            arguments of the command; see `course check --help`
#   make lab PYTHON=python3.12                                    the Python to make .venv from

PYTHON ?= $(shell command -v python3 || command -v python)
ARGS ?=
TORCH_INDEX ?=
export TORCH_INDEX

COURSE = $(PYTHON) -m course_lib

.DEFAULT_GOAL := help
.PHONY: help lab progress test test-all deck contact-sheet build check claims bench clean

help:
	@echo "make lab            open the lessons in JupyterLab (first start: a few minutes of set-up)"
	@echo "make progress       what you have done: lessons, exercises, the next cards (ARGS='--lang ru')"
	@echo "make deck           compile the flashcards into build/*.apkg (ARGS=--stats counts them)"
	@echo "make contact-sheet  pictures of all cards as Anki shows them on a phone, in build/"
	@echo "make test           everything that must hold on every commit"
	@echo "make test-all       the same and the slow checks"
	@echo "make check          run the lessons again, compare every output (ARGS=03 for one lesson)"
	@echo "make build          execute the sources of the lessons into notebooks (ARGS=03 for one)"
	@echo "make claims         what the notes said, and what was found"
	@echo "make bench          our speed beside that of the field's libraries (ARGS=--quick for a small job)"
	@echo "make clean          remove caches and built files; your working copy stays"

lab progress deck contact-sheet build check claims bench:
	@$(COURSE) $@ $(ARGS)

test:
	@$(COURSE) test $(ARGS)

test-all:
	@$(COURSE) test --all $(ARGS)

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	find . -name .venv -prune -o -name work -prune -o -name __pycache__ -type d -exec rm -rf {} +
