"""A call that shows and proves that the platform works: a spoken caller, the agent, and a look at the record."""
