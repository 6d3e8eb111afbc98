"""The process that holds the port and keeps the workers running; it loads next to nothing itself."""
