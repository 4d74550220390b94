"""The tests, the local AWS they run on, and the demo; `make test` and `make demo` start here."""
