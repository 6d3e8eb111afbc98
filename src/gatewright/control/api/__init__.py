"""The management API, derived from the service descriptors."""
