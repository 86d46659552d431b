"""Recording events: every transition leaves one, in the transaction that makes it."""

from __future__ import annotations

import time

from odbctl.engine.model.core import Event, Service, ServiceInstance
from odbctl.engine.model.plain_text import plain_text
from odbctl.engine.model.states import EventLevel


def record_service_event(
    service: Service,
    reason: str,
    message: str,
    *,
    actor: str,
    level: EventLevel = EventLevel.INFO,
    name: str | None = None,
) -> None:
    """Record an event about a service. Needs an open transaction.

    Args:
        service: The service.
        reason: What happened, in a word.
        message: What happened, in a sentence.
        actor: Who did it.
        level: How much it matters.
        name: The name that the service had, where it may have been deleted.
    """
    name = service.name if name is None else name
    Event(
        at=time.time(),
        level=level,
        service=name,
        subject=f"service/{name}",
        reason=reason,
        message=_printable(message),
        actor=plain_text(actor),
        release=(service.release.number or None) if service.release else None,
    )


def record_instance_event(
    instance: ServiceInstance,
    reason: str,
    message: str,
    *,
    actor: str,
    level: EventLevel = EventLevel.INFO,
) -> None:
    """Record an event about an instance. Needs an open transaction."""
    Event(
        at=time.time(),
        level=level,
        service=instance.service_name,
        subject=f"instance/{instance.name}",
        reason=reason,
        message=_printable(message),
        actor=plain_text(actor),
        release=instance.release.number or None,
    )


def record_event(
    subject: str,
    reason: str,
    message: str,
    *,
    actor: str,
    level: EventLevel = EventLevel.INFO,
) -> None:
    """Record an event about something that is no service. Needs an open transaction."""
    Event(
        at=time.time(),
        level=level,
        service=None,
        subject=subject,
        reason=reason,
        message=_printable(message),
        actor=plain_text(actor),
    )


def _printable(message: str) -> str:
    """Return a message without the passwords of addresses: hooks send events to others."""
    text = plain_text(message)
    if "://" not in text:
        return text
    from odbctl.masking import mask_text  # its patterns cost a quick command 2 ms

    return mask_text(text)
