"""Reproducible benchmark of ultrasound video pretraining."""
