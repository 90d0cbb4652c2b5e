"""Label files: what is wrong in one is said with its place, and the shipped sets hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bot.classify.clip.labels import Brought, canonical, check, frames_of, prompts_of, read, read_all, shipped
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LABEL = {"id": "cat", "means": "A cat", "misses": "Lynxes", "prompts": ["a cat"], "counter": ["a dog"]}


def file(folder: Path, **changes: Any) -> str:
    path = folder / "own.yaml"
    said = {"schema": 1, "id": "own", "version": 1, "about": "Cats", "labels": [LABEL], **changes}
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    return str(path)


def test_shipped_sets_can_all_be_used_together() -> None:
    files = read_all(shipped())
    assert {"sexual-content", "graphic-violence", "minors", "drawing", "suspected-abuse"} <= {one.id for one in files}
    assert [one.id for one in files] == shipped(), "a set is named as its file"
    assert len(prompts_of(files)) == len(set(prompts_of(files)))


def test_suspected_abuse_is_a_conjunction_with_counter_evidence() -> None:
    (combination,) = read("suspected-abuse").combinations
    wanted = [{term.label for term in group} for group in combination.groups]
    assert {"minor-present"} in wanted
    assert {"sexual", "nudity"} in wanted
    assert combination.unless


def test_severe_labels_want_a_second_frame_and_that_changes_no_score(tmp_path: Path) -> None:
    assert frames_of(["sexual-content", "minors", "suspected-abuse"]) == {"suspected-abuse": 2}
    assert frames_of(["published-vit-l-14"]) == {"published-context": 2}
    one, three = (canonical([read(file(tmp_path, labels=[{**LABEL, "frames": frames}]))]) for frames in (1, 3))
    assert one == three, "or every calibration would end"
    assert frames_of([file(tmp_path, labels=[{**LABEL, "frames": 3}])]) == {"cat": 3}


def test_own_file_is_read(tmp_path: Path) -> None:
    assert [label.id for label in read(file(tmp_path)).labels] == ["cat"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lables": []}, "lables: is not a known key"),
        ({"labels": [{**LABEL, "treshold": 1}]}, "labels.0.treshold: is not a known key"),
        ({"labels": [{**LABEL, "counter": []}]}, "`measure: contrast` needs `counter`"),
        ({"labels": [{**LABEL, "measure": "cosine"}]}, "`measure: cosine` takes none"),
        ({"labels": [{**LABEL, "counter": ["a cat"]}]}, "a prompt stands twice"),
        ({"labels": [{**LABEL, "id": "Not An Id"}]}, "labels.0.id"),
        ({"labels": [{**LABEL, "means": ""}]}, "labels.0.means"),
        ({"schema": 2}, "schema: Input should be 1"),
        ({"labels": []}, "neither `labels` nor `combinations`"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(file(tmp_path, **changes))
    assert says in str(raised.value)
    assert "own.yaml" in str(raised.value)


@pytest.mark.parametrize("threshold", [-1.2, 1.5, -1, 1])
def test_threshold_outside_of_what_a_cosine_can_be_is_refused(tmp_path: Path, threshold: float) -> None:
    term = {"label": "cat", "at_least": threshold}
    combination = {"id": "two", "means": "Both", "misses": "None", "all": [term, {"label": "cat", "at_least": 0.2}]}
    with pytest.raises(ConfigError, match=r"combinations\.0\.all\.0"):
        read(file(tmp_path, combinations=[combination]))


def test_label_that_two_sets_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'ring' is there twice"):
        read_all(["shapes", file(tmp_path, labels=[{**LABEL, "id": "ring"}])])
    with pytest.raises(ConfigError, match="'purple' is there twice"):
        check([read("shapes")], others=[Brought("purple", 0, 1)])


def test_combination_of_labels_that_are_not_there_names_the_remedy() -> None:
    with pytest.raises(ConfigError, match=r"no label 'sexual'; name its set"):
        read_all(["suspected-abuse", "minors"])


@pytest.mark.parametrize("threshold", [-0.5, 0])
def test_threshold_that_every_picture_reaches_is_refused(tmp_path: Path, threshold: float) -> None:
    terms = [{"label": "cat", "at_least": 0.5}, {"label": "cat", "at_least": threshold}]
    combination = {"id": "two", "means": "Both", "misses": "None", "all": terms}
    with pytest.raises(ConfigError, match="two: 'cat' is from 0 to 1"):
        read_all([file(tmp_path, combinations=[combination])])


@pytest.mark.parametrize(
    ("place", "head", "threshold", "says"),
    [
        ("all", (0, 1), 0, "two: 'mine' is from 0 to 1, so 0 always holds; write a value above 0"),
        ("unless", (0.2, 1), -0.5, "two: 'mine' is from 0.2 to 1, so -0.5 always holds; write a value above 0.2"),
        ("all", (0, 0.04), 0.5, "two: 'mine' is from 0 to 0.04, so 0.5 never holds; write a value of at most 0.04"),
        ("unless", (-1, 1), -0.5, ""),
        ("all", (0, 1), 0.001, ""),
    ],
)
def test_threshold_on_what_comes_from_no_file_has_to_divide_pictures(
    tmp_path: Path, place: str, head: tuple[float, float], threshold: float, says: str
) -> None:
    terms = [{"label": "cat", "at_least": 0.5}, {"label": "cat", "at_least": 0.6}]
    combination = {"id": "two", "means": "Both", "misses": "None", "all": terms}
    combination[place] = [*combination.get(place, []), {"label": "mine", "at_least": threshold}]  # type: ignore[misc]
    files = [read(file(tmp_path, combinations=[combination]))]
    if not says:
        check(files, [Brought("mine", *head)])
        return
    with pytest.raises(ConfigError) as raised:
        check(files, [Brought("mine", *head)])
    assert says in str(raised.value)


def test_unknown_set_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no set 'shaps'; there is drawing, .*shapes"):
        read("shaps")


def test_file_that_is_not_yaml_or_not_there(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("labels: [", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not YAML"):
        read(str(broken))
    broken.write_text("about: 2026-02-30", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"day is out of range .* in quotes"):
        read(str(broken))
    with pytest.raises(ConfigError, match="cannot be read"):
        read(str(tmp_path / "none.yaml"))


def test_second_list_of_labels_does_not_silently_end_the_first(tmp_path: Path) -> None:
    path = file(tmp_path)
    text = (tmp_path / "own.yaml").read_text(encoding="utf-8")
    (tmp_path / "own.yaml").write_text(f"{text}labels: []\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"own\.yaml: is not YAML: the key 'labels' is there twice; join the two"):
        read(path)
