"""What the fault scripts stand on: a sender that remembers what was acknowledged, a backend that checks what arrives,
the collector's process between them, and the comparison of the two."""
