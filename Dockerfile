# The root action's image: perfgate with torch for the CPU. It needs no network at run time.
#
# Root, no USER and no WORKDIR, because the runner mounts the workspace as root and sets its own
# working directory: https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support
# The base is pinned by tag alone: its digest could not be looked up where this was written. Add
# one with `docker buildx imagetools inspect python:3.11-slim` before a release.
FROM python:3.11-slim

# git finds base and head. --no-install-recommends keeps Perl modules and an SSH client out.
# The workspace belongs to the runner's user, HOME is replaced at run time: hence --system.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*'

# torch is a layer of its own, since it is large and seldom changes. On PyPI this pin is the CUDA
# build on amd64; a prebuilt image is given an index with the CPU's, where `+cpu` is a later version.
COPY constraints.txt /opt/perfgate/
ARG TORCH_INDEX=""
RUN python -m venv /opt/perfgate/venv \
    && /opt/perfgate/venv/bin/pip install --no-cache-dir --constraint /opt/perfgate/constraints.txt \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch

COPY pyproject.toml README.md /opt/perfgate/source/
COPY perfgate /opt/perfgate/source/perfgate
RUN /opt/perfgate/venv/bin/pip install --no-cache-dir --constraint /opt/perfgate/constraints.txt \
        '/opt/perfgate/source[torch,video,charts,history]' \
    && rm -r /opt/perfgate/source
COPY entrypoint.py /opt/perfgate/

# A benchmark's `python3` is this one too; nothing may leave caches in the workspace.
ENV PATH="/opt/perfgate/venv/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# -I: what the job's environment says about Python is meant for the host's, not for this one.
ENTRYPOINT ["/opt/perfgate/venv/bin/python", "-I", "/opt/perfgate/entrypoint.py"]
