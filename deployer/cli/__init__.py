"""The operator's command line. Nothing else of the deployer imports it, and the Lambda packages do not hold it."""
