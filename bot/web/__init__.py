"""The HTTP server: the channels' addresses, the API, the widget and its live stream, health."""
