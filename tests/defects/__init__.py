"""Does the suite see a defect? Dropshift is broken in one way at a time, and the tests named for it must go red.

`catalogue` says how, `breaking` does it in a copy of the tree, `python -m tests.defects` runs all or some and tells.
"""
