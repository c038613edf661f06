"""Causal inference on networks: effects that depend on a node's neighbourhood, and what it takes to learn them."""
