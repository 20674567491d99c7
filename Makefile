# Everything that a user or CI does. `make` alone lists the targets; `make train` and `make test` need no other first.

.DEFAULT_GOAL := help
.PHONY: help setup plugins train load force_load evaluate test check sanitize bench clean

# Given on the command line only: a variable of the same name in the environment must not slip in.
config = config
env =
args =
run =
DEVICE =

PYTHON ?= python3
CARGO ?= cargo
target_dir := $(or $(CARGO_TARGET_DIR),target)
bin_dir := $(or $(CARGO_INSTALL_ROOT),$(CARGO_HOME),$(HOME)/.cargo)/bin
built := $(target_dir)/debug/recsys-host
# The program that users call, and the one with libtorch that it becomes where it must.
binaries := recsys-host-engine recsys-host

# The user's LIBTORCH is for setup to judge. Cargo gets the link `.libtorch` from .cargo/config.toml, always the same
# path: a changed LIBTORCH would compile the bindings anew, for minutes.
users_libtorch := $(LIBTORCH)
unexport LIBTORCH LIBTORCH_INCLUDE LIBTORCH_LIB LIBTORCH_STATIC LIBTORCH_USE_PYTORCH

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z_]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Fetch libtorch once, build the host, put recsys-host on the PATH (DEVICE=cuda keeps the CUDA libraries)
	@LIBTORCH='$(users_libtorch)' $(PYTHON) .setup/libtorch.py $(if $(DEVICE),--device '$(DEVICE)')
	@command -v '$(CARGO)' >/dev/null || { echo 'error: no cargo on the PATH: install Rust, then open a new shell' >&2; exit 1; }
	@# Every dependency of every target of this workspace, so that all that follows works offline.
	@$(CARGO) fetch --quiet --target "$$(rustc -vV | sed -n 's/^host: //p')"
	@$(CARGO) build -p host --bins
	@mkdir -p '$(bin_dir)'
	@for binary in $(binaries); do \
	  from='$(target_dir)/debug/'$$binary to='$(bin_dir)/'$$binary; \
	  cmp -s "$$from" "$$to" || { cp "$$from" "$$to.new" && mv "$$to.new" "$$to" && echo "setup: installed $$to" >&2; } || exit 1; \
	done
	@command -v recsys-host >/dev/null || echo 'setup: warning: $(bin_dir) is not on your PATH' >&2

plugins: setup ## Build the plugin libraries, and write the schemas that editors check configs with
	$(CARGO) build --workspace
	@'$(built)' plugins schema --write configs >/dev/null

train: plugins ## Train and evaluate (config=config_gat, args="trainer.params.num_epochs=5 seed=7")
	'$(built)' train 'configs/$(config).yaml' $(args)

load: plugins ## Fetch the data and build the graph, if not there (env=prod)
	'$(built)' load 'configs/$(config).yaml' $(if $(env),data.params.env='$(env)') $(args)

force_load: plugins ## Fetch the data and build the graph anew (env=prod)
	'$(built)' load 'configs/$(config).yaml' $(if $(env),data.params.env='$(env)') $(args) --force

evaluate: plugins ## Evaluate a finished run (run=runs/2026-01-31/12-00-00)
	@test -n '$(run)' || { echo 'error: which run? make evaluate run=runs/YYYY-MM-DD/HH-MM-SS' >&2; exit 2; }
	'$(built)' evaluate '$(run)' $(args)

test: setup ## Run every test, offline
	$(PYTHON) -m unittest discover --start-directory tests/setup
	$(CARGO) test --workspace

check: setup ## Formatting, lints, documentation, house rules
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@# The documentation is for maintainers: it may link to what is private.
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' $(CARGO) doc --workspace --no-deps --document-private-items
	$(CARGO) test -p host --test integration tidy

sanitize: setup ## The kernels' tests under the address sanitizer, with every instruction set
	@# Stable rustc knows the sanitizer behind this variable. A target folder of its own: other flags compile everything anew.
	for simd in '' avx2 portable; do \
	  RECSYS_SIMD=$$simd RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=0 $(CARGO) test -p kernels --lib \
	    --target "$$(rustc -vV | sed -n 's/^host: //p')" --target-dir '$(target_dir)/sanitize' || exit 1; \
	done

bench: plugins ## Measure against PyTorch Geometric (args="--quick gat-small")
	$(PYTHON) tests/bench/run.py --no-build --binary '$(built)' $(args)

clean: ## Remove what was built (data, runs and the libtorch of the cache stay)
	$(CARGO) clean
