# Two commands matter: `make run` and `make test`. PYTHON may name any of 3.11, 3.12, 3.13.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test faults check bench docs lock audit sbom fuzz clean

# The bot with the playground and a demonstration city (演示数据); data/ holds everything it writes.
run: $(VENV)/installed
	$(BIN)/qingqun run --demo

# The whole suite. Set QINGQUN_TEST_POSTGRESQL (postgresql+asyncpg://…/an_empty_database) and QINGQUN_TEST_NATS
# (nats://…) to test with servers; without them those tests are skipped with a sentence (with CI set they fail).
test: $(VENV)/installed-dev
	$(BIN)/python -m pytest --cov --cov-fail-under=95

# Faults in full: every seed; beside them the gateway's long outages, which mostly wait. `make test` runs the short form.
faults: $(VENV)/installed-dev
	QINGQUN_FAULTS=full $(BIN)/python -m pytest -s tests/faults & faults=$$!; \
	$(BIN)/python -m pytest -m long; long=$$?; wait $$faults && exit $$long

# Speed beside others, in the short form (under 20 minutes on two cores); dist/bench-*.json holds every figure. PAGE names a
# page whose tables are written anew (PAGE=docs/performance.md). Without PostgreSQL or nats-server those rows are left out.
PAGE ?=
bench: $(VENV)/installed .bench/installed
	mkdir -p dist
	$(BIN)/python bench/acks.py --spread 15 --json dist/bench-acks.json --markdown $(PAGE)
	$(BIN)/python bench/messages.py --json dist/bench-messages.json --markdown $(PAGE)
	$(BIN)/python bench/growth.py --json dist/bench-growth.json --markdown $(PAGE)
	$(BIN)/python bench/start.py --json dist/bench-start.json --markdown $(PAGE)

# The frameworks that are measured beside, in an environment of their own.
.bench/installed: bench/peers.txt
	$(PYTHON) -m venv .bench
	.bench/bin/python -m pip install --quiet --disable-pip-version-check -r bench/peers.txt
	touch $@

# Lint, types and the architecture test.
check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

# The generated pages under docs/ (settings, rules), as the tests want them.
docs: $(VENV)/installed-dev
	$(BIN)/python docs/generate.py

# Known holes in what the locks pin, by pip-audit in an environment of its own; says so when no advisory service answers.
audit:
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	.audit/bin/python tests/security/audit.py .audit/bin/pip-audit

# The bill of materials (CycloneDX) of requirements.lock.
sbom:
	$(PYTHON) docs/sbom.py dist/sbom.json

# A minute of atheris on the rule engine, installed beside the environment; no wheel for this Python, no run.
fuzz: $(VENV)/installed
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --upgrade --target .fuzz atheris; then \
		PYTHONPATH=.fuzz $(BIN)/python tests/security/fuzz_rules.py -max_total_time=60; \
	else echo "atheris 没有适合这个 Python 的安装包，这次不做模糊测试。"; fi

# Pin what pyproject.toml asks for, with hashes and without addresses (needs uv).
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-strip-extras --no-emit-index-url --no-emit-find-links
lock:
	$(LOCK) -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

clean:
	rm -rf $(VENV) .audit .bench .fuzz dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
