"""Pages and the JSON API: they read storage to display and write only by telling an event."""
