"""What is remembered: tables, and plain functions over one open transaction."""
