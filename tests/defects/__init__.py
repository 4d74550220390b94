"""Does the suite see a defect? Dropshift is broken in one way at a time, and the tests named for it must go red.

The diffs here are the ways, `catalogue` reads them, `breaking` makes one in a copy of the tree, and
`python -m tests.defects` tries all or some.
"""
