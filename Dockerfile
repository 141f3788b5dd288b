# The bot alone; `docker compose up` starts it beside PostgreSQL, NATS and a WeChat gateway.
FROM python:3.12-slim AS bot

RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements.lock
COPY bot bot
COPY handlers handlers
COPY storage storage
COPY config config
RUN python -m pip install --no-cache-dir --no-build-isolation --no-deps .

RUN useradd --create-home --uid 10001 qingqun && mkdir /data && chown qingqun /data
USER qingqun
VOLUME /data
EXPOSE 8790
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8790/healthz', timeout=4)"]
ENTRYPOINT ["qingqun"]
CMD ["run", "--data", "/data"]
