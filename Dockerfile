# One image for every process of the program: `docker build -t t5g-bot .`, then `t5g web` and so on.
# All that it installs is pinned and hashed in the lock files, what builds it included.

FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
COPY requirements-build.lock requirements.lock ./
RUN python -m venv /tools \
    && /tools/bin/pip install --require-hashes --no-deps -r requirements-build.lock \
    && /tools/bin/pip wheel --require-hashes --no-deps --use-pep517 --no-build-isolation \
        --wheel-dir /wheels -r requirements.lock
COPY . .
RUN /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m venv --without-pip /app \
    && /tools/bin/pip --python /app/bin/python install --no-index --no-deps /wheels/*.whl

FROM python:3.12-slim-bookworm
RUN groupadd --gid 10001 t5g \
    && useradd --uid 10001 --gid t5g --no-create-home --home-dir /data --shell /usr/sbin/nologin t5g \
    && install --directory --owner t5g --group t5g --mode 0700 /data
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TZ=UTC T5G_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["t5g"]
CMD ["--help"]
