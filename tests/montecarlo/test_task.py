import hashlib
import json
import math
from dataclasses import replace

import pytest

from rramsim.crossbar.faults import IidFaults, StateFaults
from rramsim.montecarlo.task import Task, faults_text

TASK = Task("network", "images", faults_text(IidFaults(0.1)), 3)


def test_the_content_says_the_whole_question_and_the_id_is_its_hash() -> None:
    assert TASK.content == (
        '{"drawing":2,"faults":{"ber":0.1,"model":"iid"},"images":"images","network":"network",'
        '"seed":3}'
    )
    assert TASK.id == hashlib.sha256(TASK.content.encode()).hexdigest()


def test_every_part_of_the_question_changes_the_id() -> None:
    others = [
        replace(TASK, network_id="another"),
        replace(TASK, images_id="another"),
        replace(TASK, faults=faults_text(IidFaults(math.nextafter(0.1, 1)))),
        replace(TASK, faults=faults_text(StateFaults(0.1, 0.1))),
        replace(TASK, seed=4),
    ]
    ids = {each.id for each in others}
    assert len(ids - {TASK.id}) == len(others)


def test_a_task_is_read_again_from_its_own_text() -> None:
    assert eval(repr(TASK)) == TASK
    assert eval(repr(TASK)).id == TASK.id


def test_the_text_of_faults_keeps_every_digit() -> None:
    ber = 0.1 + 0.2
    assert json.loads(faults_text(IidFaults(ber)))["ber"] == ber


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        replace(TASK, seed=seed)
