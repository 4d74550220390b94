"""The main flows in an account: yours with `--live`, the local AWS without.

`account` is where: clients, deploy, remove. `stack` is the deployed stack as people use it. What only AWS can show is
in `test_only_on_aws.py` and listed in docs/live.md.
"""
