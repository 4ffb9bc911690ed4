"""The launcher's inside: services, configuration, processes, demo content, doctor."""
