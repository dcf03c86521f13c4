FROM node:26-slim

ENV NODE_ENV=production
WORKDIR /troupe

COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY runtime ./runtime
COPY actors ./actors

# Whoever the container runs as keeps durable relay groups here, should there be any.
RUN mkdir -m 1777 data
ENV TROUPE_RELAY_STORAGE=/troupe/data/relay.sqlite

# Mounted below the package, so that a service module finds #actors and #runtime.
VOLUME ["/troupe/config", "/troupe/services", "/troupe/data"]

USER node
ENV TROUPE_HOST=0.0.0.0
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TROUPE_PORT || 4000}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["node", "actors/gateway/troupe.js"]
CMD ["start"]
