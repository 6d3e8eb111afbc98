"""Who to call: one row or one file a provider."""
