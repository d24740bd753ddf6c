# Two commands do everything: `make run` and `make test`. The rest is for developers.
PYTHON ?= python3
BIN := .venv/bin
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
endif
STAMP := .venv/.complete
DISPLAYED := sh packaging/with_display.sh

.PHONY: run test check setup bench bundle bundle-test deb clean

run: $(STAMP)
	@sh packaging/run.sh $(BIN)/python

test: $(STAMP)
	$(DISPLAYED) $(BIN)/python -m pytest $(PYTEST)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(STAMP)

bench: $(STAMP)
	$(DISPLAYED) $(BIN)/python -m workbench bench

bundle: $(STAMP)
	$(BIN)/python packaging/make_icons.py build/icons
	$(BIN)/python -m PyInstaller --noconfirm --log-level WARN --distpath dist --workpath build packaging/workbench.spec
	$(BIN)/python packaging/bundle_parts.py dist/workbench

bundle-test: $(STAMP)
	@[ -e dist/workbench ] || $(MAKE) bundle
	$(DISPLAYED) $(BIN)/python -m pytest tests/bundle $(PYTEST)

deb: $(STAMP)
	@[ -e dist/workbench ] || $(MAKE) bundle
	@sh packaging/linux/make_deb.sh

$(STAMP): pyproject.toml packaging/constraints.txt packaging/system_libraries.sh
	@sh packaging/system_libraries.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c packaging/constraints.txt -e '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf .venv build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
