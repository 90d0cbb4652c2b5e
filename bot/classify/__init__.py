"""Detectors, and the batches they are fed in."""
