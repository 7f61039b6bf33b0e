"""Waiting for something that will happen, as against sleeping for a time in which it may."""

import time

# How long anything may take before a test gives up on it. Nothing is asserted about how long it did take.
PATIENCE = 30.0


def wait_until(condition, what, patience=PATIENCE, step=0.01):
    """Returns the first true value of `condition()`; fails naming `what` was waited for when there is none."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:g}s in vain for {what() if callable(what) else what}")
        time.sleep(step)
