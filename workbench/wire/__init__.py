"""PAI's protocol as data, shared by server and client."""
