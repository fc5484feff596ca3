"""The benchmark of compressed indexes: of what a publish reads and writes, all and nothing else."""

from __future__ import annotations

from benchmarks import compression


def test_the_indexes_are_those_of_a_publish_and_come_back_as_they_were() -> None:
    plain = compression.indexes(1_000)

    assert len(plain) == 1 + 1 + len(compression.TOPICS)
    packed = compression.compressed(plain, 1)
    assert compression.decompressed(packed) == plain
    assert sum(map(len, packed)) < sum(map(len, plain)) / 2
