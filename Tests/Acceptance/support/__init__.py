"""What the acceptance tests stand on: the collector's process, a backend behind it, a recorder before it, and comparing."""
