"""The main flows in an account: yours with `--live`, the local AWS without.

`account` is where: clients, deploy, remove. `stack` is the deployed stack as people use it. `test_only_on_aws.py` has
the tests that only AWS can answer; docs/live.md lists them.
"""
