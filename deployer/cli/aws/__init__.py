"""The AWS of whoever runs the command line: each call, and its errors in sentences."""
