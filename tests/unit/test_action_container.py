"""What of a job's environment a container keeps."""

from perfgate.cli.action import in_container

OF_THE_HOST = {"LD_LIBRARY_PATH": "/opt/hostedtoolcache/lib", "PYTHONHOME": "/opt/hostedtoolcache"}


def test_in_container__forgets_where_the_host_keeps_things():
    assert in_container({"CI": "true", **OF_THE_HOST}, {}) == {"CI": "true"}


def test_in_container__has_its_own_places_back():
    own = {"LD_LIBRARY_PATH": "/usr/local/Ascend/lib64", "CI": "no place"}
    assert in_container({"CI": "true", **OF_THE_HOST}, own) == {
        "CI": "true",
        "LD_LIBRARY_PATH": "/usr/local/Ascend/lib64",
    }
