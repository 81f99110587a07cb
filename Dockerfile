# The image: one program on Debian's runtime libraries, as PID 1, without a shell script, a root or a curl.
# Not here: PostgreSQL and how the two are put together (docker-compose.yml).

FROM debian:trixie-slim AS builder
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev cmake ninja-build pkg-config \
        libpq-dev libuv1-dev libllhttp-dev libssl-dev libinih-dev libunistring-dev libcjson-dev libcurl4-openssl-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY include include
COPY src src
COPY migrations migrations
COPY data/csv data/csv
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr/local \
    && cmake --build --preset release \
    && DESTDIR=/staging cmake --install build/release --strip

# Only what the program is linked with; the documentation of packages has no reader here.
FROM debian:trixie-slim AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq5 libuv1t64 libllhttp9.2 libssl3t64 libinih1 libunistring5 \
        libcjson1 libcurl4t64 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
        /usr/share/doc/* /usr/share/man/* /usr/share/locale/*

FROM runtime AS final
LABEL org.opencontainers.image.title="digitalism" \
      org.opencontainers.image.description="PID 1, migrations, loader and HTTP API of the French communes service"
# A number that no host account has, and that orchestrators can check to be no root.
RUN groupadd --gid 10001 appuser \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin appuser \
    && install -d -o appuser -g appuser /app /app/data /app/data/cache /app/logs \
    && rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /var/log/lastlog /var/log/faillog
WORKDIR /app
COPY --from=builder /staging/usr/local/bin/digitalism /usr/local/bin/digitalism
COPY --from=builder /source/migrations migrations
COPY --from=builder /source/data/csv data/csv
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["digitalism", "health"]
ENTRYPOINT ["digitalism"]
CMD ["api"]
