# Every target makes the environment it needs; nothing but Python, pip, venv, make and git is asked.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
FLAGS  ?=

.PHONY: compare test quick campaign check docs reference screenshots gallery manual release-check lowest format clean

compare: $(VENV)/.installed          ## run the default comparison on the embedded digits
	$(BIN)/perjoule compare $(FLAGS)

test: $(VENV)/.installed-dev         ## run all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not campaign" $(FLAGS)

quick: $(VENV)/.installed-dev        ## the tests that take no patience: all but conformance, kill and thorough
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not conformance and not kill and not thorough and not campaign" $(FLAGS)

SHARE ?= 1
campaign: $(VENV)/.installed-dev     ## every kind of fault, hundreds of times; SHARE=0.1 a tenth of them
	CAMPAIGN_SHARE=$(SHARE) $(BIN)/python -m pytest -n 2 --dist worksteal -m campaign $(FLAGS)

check: $(VENV)/.installed-dev        ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@mkdir -p build/types && ln -sfn ../.. build/types/perjoule  # the root is the package
	$(BIN)/pyright --threads 2 --pythonpath $(BIN)/python

docs: $(VENV)/.installed-dev         ## the documentation, into build/site; opens from there
	$(BIN)/python -m perjoule.docs.making.site

reference: manual $(VENV)/.installed-dev  ## the pages of the reference that the program tells
	$(BIN)/python -m perjoule.docs.making.reference

screenshots: $(VENV)/.installed-dev  ## the picture of a report on the home page; needs chromium
	$(BIN)/python -m perjoule.docs.making.screenshots

gallery: $(VENV)/.installed-dev      ## repeat the studies (quick); their full reports go to build/site/gallery
	$(BIN)/perjoule study all --quick --yes --out build/studies
	$(BIN)/python -m perjoule.docs.making.gallery --from build/studies
	cd build/studies && for page in index.html */report.html; do install -D -m 644 $$page ../site/gallery/$$page; done

format: $(VENV)/.installed-dev       ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

manual: $(VENV)/.installed           ## write anew what tells of the command line, and CITATION.cff
	$(BIN)/python -m perjoule.cli.manual markdown > docs/reference/command-line.md
	$(BIN)/python -m perjoule.cli.manual man > packaging/perjoule.1
	$(BIN)/python packaging/citation.py > CITATION.cff

release-check: $(VENV)/.installed-dev ## build the distributions, and try the wheel with each Python here
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python tests/release/check_wheel.py $(FLAGS)

# uv is told by UV_FIND_LINKS or UV_TORCH_BACKEND=cpu where PyTorch is from, by UV_OVERRIDE what else.
lowest: $(VENV)/.installed-dev       ## the quick tests with the lowest versions that pyproject.toml allows
	$(BIN)/uv venv --quiet --clear --python $(PYTHON) build/lowest
	$(BIN)/uv pip compile --quiet --resolution lowest-direct --python build/lowest/bin/python \
		--extra test --extra images --extra dask --output-file build/lowest.txt pyproject.toml
	$(BIN)/uv pip sync --quiet --python build/lowest/bin/python build/lowest.txt
	@mkdir -p build/types && ln -sfn ../.. build/types/perjoule
	PYTHONPATH=build/types build/lowest/bin/python -m pytest -n 2 --dist worksteal -W default \
		-m "not conformance and not kill and not thorough and not campaign" $(FLAGS)

clean:                               ## remove what the other targets made, but no results
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/.installed $@
