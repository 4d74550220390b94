"""How many small changes of the code that decides and calls AWS the quick tests notice: `make mutants`."""
