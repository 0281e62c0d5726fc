"""How fast it is, measured on real servers: `make bench`. Not a test: it judges the budgets and always exits 0."""
