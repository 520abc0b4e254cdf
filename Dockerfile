# Sluice in containers, on any Debian 12; docker-compose.yml runs them. The target `pod` is one nginx
# and its workers, `redis` the store that it needs, configured as ./dev configures its own.
ARG BASE_IMAGE=debian:12-slim

# What ./dev calls BUILD_PACKAGES; before the sources, so that an edit does not fetch them again.
FROM ${BASE_IMAGE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
      g++ cmake ninja-build pkg-config libfcgi-dev libhiredis-dev libjansson-dev libjemalloc-dev \
      libconfig++-dev libuv1-dev libsodium-dev libcli11-dev libfmt-dev libexpected-dev \
      libhowardhinnant-date-dev libssl-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY fcgi-app fcgi-app
ARG JOBS=
RUN cmake --preset release && cmake --build --preset release --target sluice ${JOBS:+--parallel $JOBS}
# No .git is in here. A commit that changes nothing above compiles one file.
ARG SLUICE_REVISION=
RUN cmake --build --preset release --target sluice && strip build/release/sluice

FROM ${BASE_IMAGE} AS redis
RUN apt-get update && apt-get install -y --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && groupadd --gid 10001 sluice \
    && install -d -o redis -g redis -m 0700 /data \
    && install -d -o redis -g sluice -m 0750 /var/lib/redis-password \
    && ln -s /usr/share/sluice/conf/run/container.sh /usr/bin/operator
COPY conf/run/container.sh conf/run/processes.sh conf/run/servers.sh /usr/share/sluice/conf/run/
# Of the pods' group, who are to read the password that it makes for them.
USER redis:sluice
VOLUME /data
ENTRYPOINT ["/usr/share/sluice/conf/run/container.sh"]
CMD ["redis"]

# libfcgi-bin has cgi-fcgi, which asks a new worker something before nginx does.
FROM ${BASE_IMAGE} AS pod
RUN apt-get update && apt-get install -y --no-install-recommends \
      nginx spawn-fcgi libfcgi-bin tzdata libfcgi0ldbl libhiredis0.14 libjansson4 \
      libjemalloc2 libconfig++9v5 libuv1 libsodium23 libfmt9 libdate-tz3 libssl3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && groupadd --gid 10001 sluice \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin sluice \
    && install -d -o sluice -g sluice -m 0700 /var/lib/sluice \
    && ln -s /usr/share/sluice/conf/run/container.sh /usr/bin/operator
COPY --from=build /src/build/release/sluice /usr/bin/sluice
COPY nginx /usr/share/sluice/nginx
COPY conf/run /usr/share/sluice/conf/run
COPY conf/container.cfg /etc/sluice/sluice.cfg
COPY conf/tenants.cfg /etc/sluice/
# By number, so that Kubernetes' runAsNonRoot can see that it is nobody's root.
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["/usr/share/sluice/conf/run/container.sh"]
CMD ["pod"]
