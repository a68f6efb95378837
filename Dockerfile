# perjoule in a container.
#
#   docker build -t perjoule .                             for processors
#   docker build -t perjoule:cuda --build-arg TORCH=cu130 .  for NVIDIA's cards
#
#   docker run --rm -v "$PWD":/work perjoule compare
#   docker run --rm --gpus all -v "$PWD":/work perjoule:cuda compare
#
# Joules of the processor (RAPL). Docker masks /sys/class/powercap, so the host's tree is mounted
# elsewhere and named. The kernel lets only root read its counters, so either the host opens them
# to a group (chgrp -R power /sys/class/powercap/*/energy_uj, chmod g+r), which the user here joins,
# or the container runs as root:
#
#   docker run --rm -v /sys/devices/virtual/powercap:/powercap:ro -e PERJOULE_POWERCAP=/powercap/intel-rapl \
#       --group-add "$(getent group power | cut -d: -f3)" -v "$PWD":/work perjoule doctor
#
# The counters are those of the whole host: what runs beside the container is counted too.
# NVML needs nothing but --gpus. Where nothing can be read, joules are modelled, and say so.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim

# PyTorch's index: cpu, or a version of CUDA such as cu130, which brings its libraries along.
ARG TORCH=cpu

WORKDIR /src
COPY . .
RUN python -m pip install --no-cache-dir --disable-pip-version-check \
        --extra-index-url "https://download.pytorch.org/whl/${TORCH}" . \
    && rm -rf /src/* \
    && useradd --create-home --uid 1000 perjoule \
    && install --directory --owner=perjoule /work

USER 1000
WORKDIR /work
ENV PYTHONUNBUFFERED=1
ENTRYPOINT ["perjoule"]
CMD ["--help"]
