import pytest

from uscl.report.headline import counted_verdicts, headline


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        ([], "The study names no primary comparison (`primary` in its file), so nothing is claimed about any method."),
        (["no claim"], "Of 1 primary comparison, none shows a difference:"),
        (["better", "not shown"], "Of 2 primary comparisons, 1 shows a difference:"),
        (["better", "worse"], "Of 2 primary comparisons, 2 show a difference:"),
    ],
)
def test_the_count_of_verdicts_that_say_something(verdicts, sentence):
    assert counted_verdicts(verdicts) == sentence


def test_without_claims_there_is_no_headline(tmp_path):
    assert headline(tmp_path / "claims.csv") == []


def test_the_sentences_of_the_primary_comparisons_follow(tmp_path):
    (tmp_path / "claims.csv").write_text("primary,verdict,sentence\nTrue,better,A is better.\nFalse,,B is not.\n")
    assert headline(tmp_path / "claims.csv") == ["Of 1 primary comparison, 1 shows a difference:", "A is better."]
