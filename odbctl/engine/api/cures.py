"""What mends a failure whose cause the system has named. Every function needs an open view."""

from __future__ import annotations

from odbctl.engine.model.core import Service, ServiceInstance

PORT_TAKEN = "EADDRINUSE"


def cure_of(service: Service, instance: ServiceInstance | None) -> str | None:
    """Return a hint with the command that mends the end of an instance; None if unknown.

    A port that is taken while a release is rolled out belongs to the old instance, of
    several instances to another of them, and else to a stranger.
    """
    if instance is None or instance.error_name != PORT_TAKEN:
        return None
    own_port = f"odbctl service set {service.name} --port auto gives each instance its own PORT"
    if service.singleton or (service.target_count <= 1 and instance.release == service.release):
        return f"another process listens on its port; {own_port}"
    if service.target_count > 1:
        return f"its instances listen on one port; {own_port}"
    return (
        "the old instance still listens on the port: "
        f"odbctl service set {service.name} --singleton stops it first; {own_port}"
    )
