"""The tables of npu-smi as several versions lay them out, and the files that hold versions.

The layouts are those of public reports; no test here has seen an Ascend device.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.errors import DeviceError
from perfgate.profile.ascend import (
    ask_npu_smi,
    cann_version,
    driver_version,
    parse_npu_smi,
    read_ascend,
    read_samples,
)

TWO_CARDS = """
+------------------------------------------------------------------------------------------------+
| npu-smi 24.1.0                   Version: 24.1.0                                               |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 2     910B3               | OK            | 93.6        40                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          3345 / 65536         |
+===========================+===============+====================================================+
| 5     910B3               | Warning       | 101.9       48                0    / 0             |
| 0                         | 0000:01:00.0  | 7           0    / 0          60332/ 65536         |
+===========================+===============+====================================================+
+---------------------------+---------------+----------------------------------------------------+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
+===========================+===============+====================================================+
| No running processes found in NPU 2                                                            |
+===========================+===============+====================================================+
| 5       0                 | 190611        | /usr/bin/python          | 113                     |
| 5       0                 | 189446        |                          | 56540                   |
+===========================+===============+====================================================+
"""

TWO_CHIPS_A_CARD = """
+------------------------------------------------------------------------------------------------+
| npu-smi 25.5.0                   Version: 25.5.0                                               |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip  Phy-ID              | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 0     Ascend910           | OK            | 172.2       38                0    / 0             |
| 0     0                   | 0000:9D:00.0  | 0           0    / 0          3127 / 65536         |
+------------------------------------------------------------------------------------------------+
| 0     Ascend910           | OK            | -           37                0    / 0             |
| 1     1                   | 0000:9F:00.0  | 0           0    / 0          2879 / 65536         |
+===========================+===============+====================================================+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
+===========================+===============+====================================================+
| 0       1                 | 4071418       |                          | 49681                   |
+===========================+===============+====================================================+
"""

NO_HBM = """
+-------------------------------------------------------------------------------------------------+
| npu-smi 25.3.rc1                              Version: 25.3.rc1                                 |
+-----------------------+-----------------+-------------------------------------------------------+
| NPU     Name          | Health          | Power(W)     Temp(C)           Hugepages-Usage(page)  |
| Chip    Device        | Bus-Id          | AICore(%)    Memory-Usage(MB)                         |
+=======================+=================+=======================================================+
| 6       310P3         | OK              | NA           50                0     / 0              |
| 0       0             | 0000:84:00.0    | 0            1839 / 21525                             |
+=======================+=================+=======================================================+
"""

OTHER_COLUMNS = """
| NPU ID | Name        | Health | Power(W) |
| 0      | Ascend950PR | OK     | 276.0    |
| NPU ID | Process id | Process name  | Process memory(MB) |
| 0      | 1648703    | VLLMWorker    | 316                |
"""


def test_table__one_chip_a_card():
    (first, second), unread = parse_npu_smi(TWO_CARDS)
    assert (first.index, first.card, first.chip, first.name) == (0, 2, 0, "910B3")
    assert (first.health, first.power_w, first.temperature_c) == ("OK", 93.6, 40.0)
    assert (first.used_mb, first.memory_mb, first.processes) == (3345, 65536, ())
    assert (second.index, second.card, second.health) == (1, 5, "Warning")
    assert (second.used_mb, second.memory_mb) == (60332, 65536)
    assert second.processes == (189446, 190611)
    assert unread == ()


def test_table__two_chips_a_card():
    npus, unread = parse_npu_smi(TWO_CHIPS_A_CARD)
    assert [(npu.index, npu.card, npu.chip, npu.power_w) for npu in npus] == [
        (0, 0, 0, 172.2),
        (1, 0, 1, None),
    ]
    assert [npu.processes for npu in npus] == [(), (4071418,)]
    assert unread == ()


def test_table__a_chip_without_hbm_and_without_a_power_meter():
    ((npu,), unread) = parse_npu_smi(NO_HBM)
    assert (npu.name, npu.power_w, npu.used_mb, npu.memory_mb) == ("310P3", None, 1839, 21525)
    assert unread == ()


def test_table__other_columns_are_told_and_nothing_is_made_up():
    npus, unread = parse_npu_smi(OTHER_COLUMNS)
    assert npus == ()
    assert unread == (
        "0 | Ascend950PR | OK | 276.0",
        "0 | 1648703 | VLLMWorker | 316",
    )


def test_table__a_damaged_row_costs_its_device_alone():
    damaged = TWO_CARDS.replace(
        "0000:C1:00.0  | 0           0", "0000:C1:00.0  | x | 0           0"
    )
    npus, unread = parse_npu_smi(damaged)
    assert [npu.card for npu in npus] == [5]
    assert len(unread) == 1


@pytest.mark.parametrize(
    "text", ["", "|", "||||", "no devices\n", "| NPU Name | Health |\n|", "\0"]
)
def test_table__anything_else_is_no_device(text):
    assert parse_npu_smi(text)[0] == ()


def test_table__what_is_told_of_it_is_bounded():
    text = TWO_CARDS.split("| 2 ", maxsplit=1)[0] + "| strange | row |\n" * 100_000
    npus, unread = parse_npu_smi(text)
    assert npus == ()
    assert unread == ("strange | row",) * 5


_rows = st.lists(
    st.lists(
        st.sampled_from(["NPU", "NPU Name", "Health", "Process id", "0", "1 910B", "OK", "5 / 9"])
    ).map(lambda cells: "|" + "|".join(cells) + "|")
)


@given(st.one_of(st.text(), _rows.map("\n".join)))
def test_table__no_text_breaks_it(text):
    npus, unread = parse_npu_smi(text)
    assert len(unread) <= 5
    assert [npu.index for npu in npus] == list(range(len(npus)))


def test_samples__have_what_the_table_tells():
    second = read_samples(ask=lambda: TWO_CARDS)[1]
    assert (second.index, second.power_w, second.temperature_c) == (1, 101.9, 48.0)
    assert second.processes == (189446, 190611)
    assert second.clock_mhz is None
    assert second.throttles == frozenset()


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_versions__from_the_files_that_installers_write(tmp_path):
    ascend = tmp_path / "usr/local/Ascend"
    write(ascend / "driver/version.info", "Version=25.2.0\nascendhal_version=7.35.23\n")
    write(
        ascend / "ascend-toolkit/latest/aarch64-linux/ascend_toolkit_install.info",
        "package_name=Ascend-cann-toolkit\nversion=8.2.RC1\ninnerversion=V100R001C22\n",
    )
    assert driver_version(tmp_path) == "25.2.0"
    assert cann_version({}, tmp_path) == "8.2.RC1"


def test_versions__of_the_toolkit_that_the_environment_names(tmp_path):
    installed = tmp_path / "usr/local/Ascend/cann/x86_64-linux/ascend_toolkit_install.info"
    write(installed, "version=8.5.0\n")
    write(tmp_path / "opt/cann/compiler/version.info", "Version=8.3.RC2\n")
    assert cann_version({"ASCEND_HOME_PATH": "/opt/cann"}, tmp_path) == "8.3.RC2"
    assert cann_version({"ASCEND_HOME_PATH": "/gone"}, tmp_path) == "8.5.0"
    assert cann_version({}, tmp_path) == "8.5.0"


def test_versions__of_a_machine_without_any(tmp_path):
    write(tmp_path / "usr/local/Ascend/driver/version.info", "nothing here\n")
    assert driver_version(tmp_path) == ""
    assert cann_version({}, tmp_path) == ""


def a_program(tmp_path, body):
    """A command that stands for ``npu-smi info``."""
    script = tmp_path / "npu_smi.py"
    script.write_text(body)
    return (sys.executable, str(script))


def test_ask__runs_the_program(tmp_path):
    assert ask_npu_smi(a_program(tmp_path, f"print({NO_HBM!r})")).strip() == NO_HBM.strip()


def test_ask__tells_what_the_program_said_when_it_failed(tmp_path):
    body = "import sys; sys.exit('dcmi model initialized failed, because the device is used')"
    with pytest.raises(DeviceError, match=r"ended with 1: dcmi model initialized failed"):
        ask_npu_smi(a_program(tmp_path, body))


def test_ask__without_the_program_says_what_to_mount(tmp_path):
    with pytest.raises(DeviceError, match="no npu-smi") as refusal:
        ask_npu_smi((str(tmp_path / "npu-smi"), "info"))
    assert "/dev/davinci_manager" in refusal.value.fix


def test_facts__keep_the_versions_when_no_device_can_be_read(tmp_path):
    write(tmp_path / "usr/local/Ascend/driver/version.info", "Version=25.2.0\n")

    def refuse():
        raise DeviceError("there is no npu-smi here", fix="Mount it.")

    facts = read_ascend({}, root=tmp_path, ask=refuse)
    assert (facts.driver, facts.npus, facts.problem) == ("25.2.0", (), "there is no npu-smi here")


def test_facts__say_that_a_table_was_not_understood(tmp_path):
    facts = read_ascend({}, root=tmp_path, ask=lambda: OTHER_COLUMNS)
    assert facts.problem == "npu-smi answered without a table of devices that perfgate reads"
    assert facts.unread[0].startswith("0 | Ascend950PR")


def test_import__loads_no_torch_and_no_nvml():
    script = (
        "import sys, perfgate.profile.ascend, perfgate.profile.nvidia;"
        "assert not {'torch', 'pynvml'} & set(sys.modules)"
    )
    subprocess.run((sys.executable, "-c", script), check=True)
