"""From HTTP to the pipeline and back."""
