from uscl.data.folders import public_folder


def test_a_set_is_found_below_the_folder_that_holds_it_or_named_itself(tmp_path):
    below = tmp_path / "COVID-BLUES"
    below.mkdir()
    assert public_folder("covid_blues", str(tmp_path)) == str(below)
    assert public_folder("covid_blues", str(below)) == str(below)
    assert public_folder("busi", str(tmp_path)) == str(tmp_path)
    assert public_folder("simulated_pool", str(tmp_path)) == str(tmp_path)
