# perjoule in a container.
#
#   docker build -t perjoule .                             for processors
#   docker build -t perjoule:cuda --build-arg TORCH=cu130 .  for NVIDIA's cards
#
#   docker run --rm -v "$PWD":/work perjoule compare
#   docker run --rm --gpus all -v "$PWD":/work perjoule:cuda compare
#
# Joules of the processor (RAPL). Docker hides /sys/class/powercap from a container, so the host's tree
# is mounted elsewhere and named:
#
#   docker run --rm -v /sys/class/powercap/intel-rapl:/powercap:ro -e PERJOULE_POWERCAP=/powercap \
#       -v "$PWD":/work perjoule doctor
#
# Linux lets root alone read the counters. The user of this image is not root, so the host has to open
# them (`perjoule doctor` there says how, for good by a udev rule), or the container runs as root with
# --user 0. The counters are those of the whole host: what runs beside the container is counted too.
# NVIDIA's cards need nothing but --gpus. Where nothing can be read, joules are modelled, and say so.
#
# The user here has the number 1000; where the mounted folder is another's, add --user "$(id -u)".
ARG PYTHON=3.13
FROM python:${PYTHON}-slim AS build
COPY . /src
RUN python -m pip wheel --no-cache-dir --disable-pip-version-check --no-deps \
        --wheel-dir /dist /src

FROM python:${PYTHON}-slim
# PyTorch's index: cpu, or a version of CUDA such as cu130, which brings its libraries along.
ARG TORCH=cpu
RUN --mount=type=bind,from=build,source=/dist,target=/dist \
    python -m pip install --no-cache-dir --disable-pip-version-check \
        --extra-index-url "https://download.pytorch.org/whl/${TORCH}" /dist/*.whl \
    && useradd --create-home --uid 1000 perjoule \
    && install --directory --owner=perjoule /work
USER 1000
WORKDIR /work
ENV PYTHONUNBUFFERED=1
ENTRYPOINT ["perjoule"]
CMD ["--help"]
