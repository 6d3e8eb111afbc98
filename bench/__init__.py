"""The benchmark of Gatewright and its peers; `python -m bench --help` teaches how to run it."""
