"""Built-in services: ServiceBase subclasses that know nothing of each other."""
