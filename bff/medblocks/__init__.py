"""The upstream: calling Medblocks and understanding its answers, without any Flask."""
