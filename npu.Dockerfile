# The image of npu/action.yml: perfgate with torch_npu, arm64. Ascend's image brings CANN along; the
# driver comes from the runner's machine, by the Ascend Docker runtime.
#
# Root, no USER and no WORKDIR, as in Dockerfile, which says why. The base is pinned by tag alone,
# too: add its digest before a release. For other chips than the 910B build with another CANN.
ARG CANN=quay.io/ascend/cann:9.1.0-910b-ubuntu22.04-py3.11
FROM ${CANN}

# Ascend's image has git and a compiler.
RUN git config --system --add safe.directory '*'

# One torch_npu goes with one torch and one CANN. Ascend's table names these two for CANN 9.1.0, so
# that torch is not the one of constraints.txt: https://gitcode.com/Ascend/pytorch. The others are
# what CANN's own Python modules import.
COPY constraints.txt /opt/perfgate/
RUN sed -i '/^torch==/d' /opt/perfgate/constraints.txt \
    && python3 -m venv /opt/perfgate/venv \
    && /opt/perfgate/venv/bin/pip install --no-cache-dir --constraint /opt/perfgate/constraints.txt \
        torch==2.12.0 torch-npu==2.12.0 \
        absl-py attrs cffi cloudpickle decorator protobuf psutil pyyaml scipy setuptools sympy

COPY pyproject.toml README.md /opt/perfgate/source/
COPY perfgate /opt/perfgate/source/perfgate
RUN /opt/perfgate/venv/bin/pip install --no-cache-dir --constraint /opt/perfgate/constraints.txt \
        '/opt/perfgate/source[video,charts,history]' \
    && rm -r /opt/perfgate/source
COPY entrypoint.py /opt/perfgate/

# CANN is found by these two, which the runner replaces by its machine's where a job has them:
# entrypoint.py puts the image's own back.
RUN /opt/perfgate/venv/bin/python -c 'import json, os, sys; json.dump({name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PYTHONPATH")}, sys.stdout)' \
        > /opt/perfgate/environment.json

ENV PATH="/opt/perfgate/venv/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# -I: what the job's environment says about Python is meant for the host's, not for this one.
ENTRYPOINT ["/opt/perfgate/venv/bin/python", "-I", "/opt/perfgate/entrypoint.py"]
