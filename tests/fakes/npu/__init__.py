"""A stand-in for an Ascend NPU and its torch_npu, so that perfgate's NPU path runs without one.

``npu.cpp`` is the device, :mod:`.build` compiles it once a machine, :mod:`.surface` is what a
program finds as ``torch.npu``, and :mod:`.entry` is what torch calls while it is imported: the same
door that torch_npu uses. So any program gets the device from its environment alone, unchanged:
see :func:`tests.fakes.npu.build.environment`.
"""
