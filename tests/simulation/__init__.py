"""A deterministic simulation: the real handler, interleaved and broken by one seed."""
