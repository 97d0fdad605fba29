# The image of publish/action.yml: perfgate without torch, for jobs that only publish. It has no git
# and cannot measure; what it weighs over its base is measured by tests/e2e/test_publish_image.py.
#
# Root, no USER and no WORKDIR, as in Dockerfile, which says why; its base, too.
FROM python:3.11-slim AS build

# binutils has strip.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*

COPY constraints.txt pyproject.toml README.md /source/
COPY perfgate /source/perfgate
RUN python -m venv --without-pip /opt/perfgate/venv \
    && pip --python /opt/perfgate/venv/bin/python install --no-cache-dir --no-compile \
        --constraint /source/constraints.txt /source

# What no publishing job reads: Pillow, which compares the outputs of launches; the tests, stubs and
# headers of other packages; symbols. A *.libs folder holds libraries whose layout was edited after
# they were linked: stripped, numpy's BLAS no longer loads.
# Then each command is started once, so that the modules which it imports, and no others, lie there
# compiled: docs/measurements.md says what that saves.
WORKDIR /opt/perfgate/venv/lib/python3.11/site-packages
RUN pip --python /opt/perfgate/venv/bin/python uninstall --yes pillow \
    && find . -type d -name tests -prune -exec rm -r {} + \
    && find . '(' -name '*.pyi' -o -name '*.pxd' -o -name '*.h' -o -name '*.a' ')' -delete \
    && find . -name '*.so*' -not -path './*.libs/*' -exec strip --strip-unneeded {} + \
    && for command in publish publish-run answer; do \
        /opt/perfgate/venv/bin/python -I -m perfgate "$command" --help > /dev/null || exit 1; \
    done \
    && /opt/perfgate/venv/bin/python -I -c 'import github, nacl.public, requests, scipy.special'

FROM python:3.11-slim

COPY --from=build /opt/perfgate /opt/perfgate
COPY entrypoint.py /opt/perfgate/

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# -I: what the job's environment says about Python is meant for the host's, not for this one.
ENTRYPOINT ["/opt/perfgate/venv/bin/python", "-I", "/opt/perfgate/entrypoint.py", "publish"]
