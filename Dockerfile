# docker build -t tinysse-hub .
# docker run -p 7730:7730 -v tinysse:/data --ulimit nofile=65536 -e TINYSSE_JWT_SECRET tinysse-hub

FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts
RUN npm run build
RUN npm pack --ignore-scripts --pack-destination /tmp -w tinysse -w tinysse-hub
# Only what runs: the two packages as they are published, and what they depend on.
WORKDIR /app
RUN npm init -y
RUN npm install --ignore-scripts --omit=dev --no-audit --no-fund /tmp/tinysse-*.tgz

FROM node:22-bookworm-slim
ENV NODE_ENV=production TINYSSE_HOST=0.0.0.0 TINYSSE_DATA_DIR=/data
COPY --from=build /app /app
RUN mkdir /data && chown node:node /data
USER node
WORKDIR /app
VOLUME /data
EXPOSE 7730
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["node", "-e", "const port = /^[0-9]+$/.exec(process.env.TINYSSE_PORT ?? '') ?? 7730; fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => process.exit(status === 200 ? 0 : 1), () => process.exit(1))"]
# `docker stop --time 20` lets slow streams end: they have --drain-timeout, 10 s.
ENTRYPOINT ["node", "node_modules/tinysse-hub/bin/tinysse-hub.js"]
CMD ["serve"]
