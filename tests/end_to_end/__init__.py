"""The whole of it: through the template, under the real runtime client, with faults."""
