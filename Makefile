# Two commands: `make run` and `make test`. Each gets what it needs, on a machine that has only Rust; see dev/.

.PHONY: run test check bench stop clean-dev help

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -e 's/:.*## /\t/' | expand -t 14

run: ## the demo county and its chat sandbox, until Ctrl-C
	@dev/run.sh

test: ## everything that CI runs
	@dev/test.sh

check: ## format, lints, documentation, openapi.json, licences; needs no database
	@dev/check.sh

bench: ## the speed budget, on a release build
	@dev/bench.sh

stop: ## ends what the commands above left running
	@dev/stop.sh

clean-dev: ## stop, and forget all data of make run
	@dev/stop.sh clean
