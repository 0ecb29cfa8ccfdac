import numpy as np
import pytest
from audit_sets import audited, copied, texture

from uscl.audit.checks import across, within


def kinds(findings):
    return list(zip(findings["kind"], findings["video_a"], findings["video_b"], strict=True))


def test_a_copy_in_another_group_is_a_leak_and_one_in_the_same_group_is_none():
    found = within(
        audited(
            "lung",
            ("a", "p1", "covid", [texture(1), texture(2)]),
            ("b", "p2", "covid", [texture(3), copied(texture(2))]),
            ("c", "p1", "covid", [copied(texture(1))]),
        ),
        tested=True,
    )
    assert kinds(found) == [("near duplicate", "a", "b")]
    row = found.iloc[0]
    assert (row["level"], row["scope"], row["row_a"], row["row_b"], row["frames"]) == ("leak", "within", 1, 3, 1)
    assert "lung: a#1 and lung: b#1 show the same picture" in row["reason"]
    assert row["correlation"] > 0.9


def test_equal_pixels_are_an_exact_duplicate_and_counted_once():
    found = within(
        audited(
            "lung",
            ("a", "p1", "covid", [texture(1), texture(2), texture(2)]),
            ("b", "p2", "covid", [texture(2), texture(1)]),
        ),
        tested=True,
    )
    assert kinds(found) == [("exact duplicate", "a", "b")]
    assert (found["frames"].item(), found["distance"].item()) == (2, 0)


def test_equal_files_are_a_duplicate_though_their_sampled_frames_differ():
    lung = audited("lung", ("a", "p1", "covid", [texture(1)]), ("b", "p2", "covid", [texture(2)]))
    lung.manifest["source_sha256"] = "one file"
    assert kinds(within(lung, tested=True)) == [("exact duplicate", "a", "b")]


def test_the_classes_of_one_pickled_fold_are_no_duplicates_of_each_other():
    folds = audited("pocus", ("f1/covid", "f1", "covid", [texture(1)]), ("f1/regular", "f1", "regular", [texture(2)]))
    folds.manifest[["file", "source_sha256"]] = "covid_data1.pkl", "one file"
    assert within(folds, tested=True).empty


def test_blank_frames_are_no_duplicates():
    black = np.zeros_like(texture(0))
    lung = audited("lung", ("a", "p1", "covid", [black, texture(1)]), ("b", "p2", "covid", [black, texture(2)]))
    assert within(lung, tested=True).empty


def test_duplicates_with_two_labels_are_also_reported_whatever_their_groups():
    found = within(
        audited(
            "breast",
            ("benign (433)", "x", "benign", [texture(1)]),
            ("malignant (145)", "x", "malignant", [texture(1)]),
        ),
        tested=True,
    )
    conflict = found[found["kind"] == "label conflict"].iloc[0]
    assert conflict["level"] == "warning"
    assert conflict["reason"] == (
        "breast: benign (433) is benign, and its duplicate breast: malignant (145) is malignant: one of them is wrong."
    )


def test_a_pool_has_no_folds_to_leak_across():
    pool = audited(
        "pool", ("a", "p1", "", [texture(1)]), ("b", "p2", "", [texture(1)]), ("c", "p3", "", [copied(texture(1))])
    )
    found = within(pool, tested=False)
    assert kinds(found) == [("exact duplicate", "a", "b")]
    assert set(found["level"]) == {"warning"}


@pytest.mark.parametrize(
    "picture", [texture(5), copied(texture(5)), copied(texture(5))[:, ::-1], copied(texture(5), 0.5)]
)
def test_a_test_picture_in_the_pool_is_a_leak(picture):
    pool = audited("pool", ("x", "p1", "", [texture(8), np.ascontiguousarray(picture)]), ("y", "p2", "", [texture(9)]))
    task = audited("lung", ("a", "q1", "covid", [texture(4)]), ("b", "q2", "covid", [texture(5)]))
    found = across(pool, task, one_namespace=False)
    assert found[["dataset_a", "video_a", "dataset_b", "video_b"]].values.tolist() == [["pool", "x", "lung", "b"]]
    assert (found["level"].item(), found["scope"].item()) == ("leak", "pool and task")


def test_one_file_name_in_pool_and_task_is_a_leak_unless_it_is_generic():
    pool = audited("pool", ("Cov-Atlas+(44)", "p1", "", [texture(1)]), ("image1", "p2", "", [texture(2)]))
    task = audited("lung", ("cov_atlas_44", "q1", "covid", [texture(3)]), ("image1", "q2", "covid", [texture(4)]))
    assert kinds(across(pool, task, one_namespace=False)) == [("same name", "Cov-Atlas+(44)", "cov_atlas_44")]


def test_images_that_were_taken_from_a_video_have_its_name_too():
    pool = audited("pool", ("Cov-Atlas+(44)", "7", "", [texture(1)]))
    images = [(f"cov_{n}", "cov_atlas_44.mp4", "covid", [texture(2 + n)]) for n in range(2)]
    taken = across(pool, audited("task", *images, unit="video"), one_namespace=False)
    assert kinds(taken) == [("same name", "Cov-Atlas+(44)", f"cov_{n}") for n in range(2)]
    # The name of a patient is no name of a file.
    assert kinds(across(pool, audited("task", *images, unit="patient"), one_namespace=False)) == []


def test_patients_are_compared_if_their_names_mean_the_same():
    pool, task = audited("pool", ("x", "p1", "", [texture(1)])), audited("mine", ("a", "p1", "covid", [texture(2)]))
    assert across(pool, task, one_namespace=False).empty
    found = across(pool, task, one_namespace=True)
    assert kinds(found) == [("same patient", "x", "a")]
    assert found["reason"].item() == "Group p1 is in pool and in mine."


def test_patients_are_compared_in_any_spelling():
    pool = audited("pool", ("x", "P07", "", [texture(1)]), ("img1.png", "img1.png", "", [texture(2)]))
    task = audited("mine", ("a", "p7", "covid", [texture(3)]), ("img01.png", "img01.png", "covid", [texture(4)]))
    found = across(pool, task, one_namespace=True)
    assert found["reason"].tolist() == ["Group P07 is in pool and in mine as p7."]


def test_a_series_that_crosses_groups_is_reported():
    clips = [(f"Pneu_set4_vid{n}", f"patient {n}", "pneumonia", [texture(n)]) for n in (1, 2)]
    found = within(audited("lung", *clips, ("Reg_set1_vid1", "patient 1", "pneumonia", [texture(9)])), tested=True)
    assert list(found["kind"]) == ["same series"]
    assert "the series pneu-set4 has files of patient 1, patient 2: are these one patient?" in found["reason"].item()


def test_numbered_images_without_groups_are_no_series():
    images = [(f"benign set1 ({n})", f"benign set1 ({n})", "benign", [texture(n)]) for n in range(3)]
    assert within(audited("breast", *images), tested=True).empty


def test_a_patient_of_two_classes_is_reported():
    lung = audited("lung", ("a", "p7", "pneumonia", [texture(1)]), ("b", "p7", "regular", [texture(2)]))
    found = within(lung, tested=True)
    assert list(found["kind"]) == ["group in two classes"]
    assert "group p7 has files of pneumonia and regular" in found["reason"].item()
