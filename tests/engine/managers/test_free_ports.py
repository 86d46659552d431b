"""Free ports: nobody listens on them, and none is promised twice."""

from __future__ import annotations

import socket

from odbctl.engine.managers.ports import PORTS, find_free_port


def test_port_that_is_taken_is_passed_over() -> None:
    first = find_free_port((), first=0)
    assert first is not None
    second = find_free_port({first}, first=0)
    assert second is not None
    assert first < second


def test_port_on_which_somebody_listens_is_passed_over() -> None:
    port = find_free_port((), first=17)
    assert port is not None
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert find_free_port((), first=PORTS.index(port)) != port


def test_no_port_is_found_when_all_are_taken() -> None:
    assert find_free_port(PORTS, first=0) is None
