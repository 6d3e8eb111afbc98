"""The schema's history; `control.store.schema` runs it."""
