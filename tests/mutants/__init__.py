"""`make mutants`: count the small changes of deciding and AWS-calling code that the quick tests notice."""
