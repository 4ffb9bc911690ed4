"""`./kzopen systemd`: units that keep a portal running on a machine, and the web server with TLS before it.

Each file beside this one is a template: `@name` in it is a value made from the settings, everything else stands as it is.
"""
