"""Pure decisions: is a version well, may it start, and which of several writers wins."""
