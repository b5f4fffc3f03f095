"""The connection: servers, logins, and what the server has acknowledged."""
