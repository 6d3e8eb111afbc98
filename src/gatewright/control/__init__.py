"""The control plane: the database, the management API, encryption, and the compiler of snapshots."""
