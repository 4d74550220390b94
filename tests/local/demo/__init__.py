"""`make demo`: a real application far over Lambda's limit, from archive to live, back, and back by hand."""
