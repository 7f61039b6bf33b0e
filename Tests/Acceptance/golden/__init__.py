"""The golden scenario of the ledger: what is sent, what must be known afterwards by an independent calculation, and the
comparison of both."""
