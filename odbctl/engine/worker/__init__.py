"""What runs inside a worker process: ServiceBase, ServiceWorker and their surroundings."""
