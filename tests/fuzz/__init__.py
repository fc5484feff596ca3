"""Parsers, validator, sanitiser and renderer under generated and mutated input."""
