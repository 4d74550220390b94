"""`python -m deployer` is `dropshift`."""

from deployer.cli.main import run

if __name__ == "__main__":
    run()
