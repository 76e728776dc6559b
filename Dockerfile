# The image of every role: `docker build -t headrace .`, then `docker run headrace worker` and so on.
# The base is pinned to a patch version here, all Python packages in constraints.txt.
FROM python:3.11.14-slim-trixie AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT=/src/constraints.txt
WORKDIR /src
RUN python -m venv /opt/headrace

# Its dependencies alone first: a change of our own code does not fetch them again.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))" \
      > requirements.txt \
 && /opt/headrace/bin/pip install --requirement requirements.txt

COPY README.md LICENSE ./
COPY domain ./domain
COPY schemas ./schemas
COPY projections ./projections
COPY streams ./streams
COPY api ./api
COPY headrace ./headrace
RUN /opt/headrace/bin/pip install --no-deps . \
 && /opt/headrace/bin/headrace --version


FROM python:3.11.14-slim-trixie

LABEL org.opencontainers.image.title="Headrace" \
      org.opencontainers.image.description="An event-sourced workflow engine for CRM automation, on Kafka streams" \
      org.opencontainers.image.licenses="Apache-2.0"

RUN groupadd --gid 10001 headrace \
 && useradd --uid 10001 --gid headrace --home-dir /var/lib/headrace --create-home --shell /usr/sbin/nologin headrace
COPY --from=build /opt/headrace /opt/headrace

ENV PATH=/opt/headrace/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HEADRACE_DATA_DIR=/var/lib/headrace \
    HEADRACE_HOST=0.0.0.0 \
    HEADRACE_LOG_FORMAT=json

USER 10001:10001
WORKDIR /var/lib/headrace
VOLUME /var/lib/headrace
# 8080: the API and the console; 8081: health and metrics of worker and projector; 8090: the provider sandbox.
EXPOSE 8080 8081 8090
STOPSIGNAL SIGTERM
ENTRYPOINT ["headrace"]
CMD ["--help"]
