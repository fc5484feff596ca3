"""The published pages before a browser, axe, Lighthouse and the Nu checker: see docs/pages.md."""
