from __future__ import annotations

import pytest

from odbctl.engine.worker.process import COMM_BYTES, process_name


@pytest.mark.parametrize(
    ("instance", "name"),
    [
        ("api-3", "odb:api-3"),
        ("a-very-long-service-name-1234", "odb:a-very-1234"),
        ("service-123456789012345", "odb:-1234567890"),
        ("plain", "odb:plain"),
    ],
)
def test_a_long_service_name_is_cut_and_the_number_kept(instance: str, name: str) -> None:
    assert process_name(instance) == name
    assert len(name) <= COMM_BYTES
