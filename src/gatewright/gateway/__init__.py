"""The way of a request: one file a station, `pipeline.py` first."""
