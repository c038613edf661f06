"""The questions of the course: one package a chapter, one module a question, each with a ``QUESTION``."""
