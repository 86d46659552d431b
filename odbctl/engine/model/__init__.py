"""The core schema: Codebase, Service, Release, ServiceInstance, ServiceHost, Event."""
