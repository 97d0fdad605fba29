# The image of cuda/action.yml: perfgate with torch for CUDA, amd64. torch's wheels bring CUDA along;
# the driver comes from the runner's machine, by NVIDIA's container toolkit.
#
# Root, no USER and no WORKDIR, as in Dockerfile, which says why; its base, too.
FROM python:3.11-slim

# A compiler, since Triton and torch.compile call one while they run.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*'

# PyPI's build of this pin is the one for CUDA.
COPY constraints.txt /opt/perfgate/
RUN python -m venv /opt/perfgate/venv \
    && /opt/perfgate/venv/bin/pip install --no-cache-dir --constraint /opt/perfgate/constraints.txt \
        torch

COPY pyproject.toml README.md /opt/perfgate/source/
COPY perfgate /opt/perfgate/source/perfgate
RUN /opt/perfgate/venv/bin/pip install --no-cache-dir --constraint /opt/perfgate/constraints.txt \
        '/opt/perfgate/source[torch,video,charts,history]' \
    && rm -r /opt/perfgate/source
COPY entrypoint.py /opt/perfgate/

# A Docker action gets no `--gpus`: where NVIDIA's runtime is Docker's default, these ask for them.
# A step's `env:` may name other devices.
# https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PATH="/opt/perfgate/venv/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# -I: what the job's environment says about Python is meant for the host's, not for this one.
ENTRYPOINT ["/opt/perfgate/venv/bin/python", "-I", "/opt/perfgate/entrypoint.py"]
