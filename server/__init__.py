"""How it is served: settings, tokens, HTTP, command line."""
