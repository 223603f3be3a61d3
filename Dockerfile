# callspool in a container: docs/containers.md.  Built in one stage, and what it needs to run in the other.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      gcc libc6-dev meson ninja-build pkg-config \
      libcurl4-openssl-dev libsqlite3-dev libpq-dev libssl-dev libsndfile1-dev libjansson-dev libsodium-dev libwslay-dev libpcre2-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY meson.build meson_options.txt ./
COPY src src
COPY ui/dist ui/dist
COPY tools/embed-page tools/embed-page
COPY packaging/meson.build packaging/meson.build
COPY packaging/nginx packaging/nginx
COPY tests/tools tests/tools
COPY bench bench
RUN meson setup build --buildtype=release -Dwerror=false \
 && ninja -C build callspool \
 && strip build/callspool

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
      ca-certificates libcurl4 libsqlite3-0 libpq5 libssl3 libsndfile1 libjansson4 libsodium23 libwslay1 libpcre2-8-0 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 990 callspool \
 && useradd --system --uid 990 --gid 990 --no-create-home --home-dir /var/lib/callspool --shell /usr/sbin/nologin callspool \
 && install -d -o 990 -g 990 -m 0750 /var/lib/callspool
COPY --from=build /src/build/callspool /usr/bin/callspool
# All addresses of the container: who reaches it is decided by what is published, and by the networks that it is in.
ENV CALLSPOOL_DATA_DIR=/var/lib/callspool \
    CALLSPOOL_LISTEN=0.0.0.0:8080
USER 990:990
VOLUME /var/lib/callspool
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 CMD ["callspool", "health"]
ENTRYPOINT ["callspool"]
CMD ["serve"]
