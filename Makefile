# Each target passes ARGS on: make run ARGS="--ephemeral --listen 127.0.0.1:9090"
ARGS ?=
GAMES ?= 100000

.DEFAULT_GOAL := help
.PHONY: help setup run test simulate bench bench-micro bench-instructions fault abuse fuzz check fmt generate

help: ## Shows this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST)

setup: ## Installs what is missing for all of these; ARGS=run only what runs need
	@deploy/setup.sh $(ARGS)

run: ## Starts everything on a private local stack, on http://127.0.0.1:8080
	@deploy/setup.sh run
	@cargo build --package turnloom
	@exec target/debug/turnloom up $(ARGS)

test: ## Runs all tests, on a private PostgreSQL and nats-server of their own
	@deploy/setup.sh test
	cargo nextest run --workspace --no-fail-fast $(ARGS)

simulate: ## Plays GAMES=100000 games of the simulator, against everything that can go wrong
	@deploy/setup.sh test
	TURNLOOM_GAMES=$(GAMES) cargo nextest run --workspace --run-ignored only -E 'test(as_many_games_as_wanted)' --no-capture $(ARGS)

bench: ## Measures how fast everything is; ARGS="--help" says what there is to measure
	@deploy/setup.sh run
	@cargo build --release --workspace --bins
	@target/release/turnloom bench $(ARGS)

bench-micro: ## Times the pure crates piece by piece; ARGS="greet_turn" only what has this in its name
	@deploy/setup.sh build
	@cargo bench --workspace --bench '*' -- $(ARGS)

bench-instructions: ## Counts their instructions and compares with deploy/instructions.json; ARGS="--write" keeps the new ones
	@deploy/setup.sh instructions
	@cargo build --workspace --bin micro --quiet
	@target/debug/micro $(ARGS)

fault: ## Kills, stops and cuts off parts of the product under load; ARGS="--help" says what else it can
	@deploy/setup.sh run
	@cargo build --workspace --bins --test short # as the tests are built, so nothing is built twice
	@target/debug/fault-suite $(ARGS)

abuse: ## Attacks the product as strangers, customers and neighbours would; ARGS="--only S8 --minutes 5" says what and how long
	@deploy/setup.sh test
	@cargo build --workspace --bins --test short # as the tests are built, so nothing is built twice
	@target/debug/abuse-suite $(ARGS)

# Counts the branches that run, as libFuzzer wants it, in all crates but build scripts and macros, which are for this machine's compiler.
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
	-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing
FUZZ_HOST = $(shell rustc -vV | sed -n 's/^host: //p')

fuzz: ## Looks for bytes that break a decoder; ARGS="--seconds 600 --only pdf,html" says how long and which
	@deploy/setup.sh build
	@RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --package fuzz --features libfuzzer --bin fuzz-target --target $(FUZZ_HOST) --target-dir target/fuzz/build
	@cargo build --workspace --bin fuzz --quiet
	@target/debug/fuzz --program target/fuzz/build/$(FUZZ_HOST)/debug/fuzz-target $(ARGS)

check: ## Checks format, lints, documentation and structure
	@deploy/setup.sh check
	cargo fmt --all --check
	cargo clippy --workspace --all-targets $(ARGS) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet $(ARGS)
	PYTHONPATH=.turnloom/tools/python python3 -m check_jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

fmt: ## Formats the code
	cargo fmt --all $(ARGS)

generate: ## Writes the documents that are made from the code
	@cargo build --package turnloom --quiet
	target/debug/turnloom openapi > proto-schemas/openapi.json
	target/debug/turnloom asyncapi > proto-schemas/asyncapi.json
	target/debug/turnloom subscribers conf > deploy/nats/users.conf
