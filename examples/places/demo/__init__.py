"""The same traffic against the service without its cache and with it, side by side."""
