"""Workspaces and identity on the wire: one file a resource."""
