"""The server: settings, access tokens, HTTP, GraphQL transports, command line."""
