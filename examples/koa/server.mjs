// PORT=3000 node examples/koa/server.mjs, then: curl -N -H 'authorization: Bearer ann' localhost:3000/rooms/kitchen
import { text } from 'node:stream/consumers';
import Koa from 'koa';
import { createSSEServer } from 'tinysse';

const sse = createSSEServer({
  channelProvider: {
    resolveChannels: (request, { raw }) => [`user:${raw.user}`, `room:${new URL(request.url).pathname.split('/')[2]}`],
  },
});

const app = new Koa();
app.use((ctx, next) => {
  // Stands for your own authentication.
  ctx.state.user = /^Bearer (\w+)$/.exec(ctx.get('authorization'))?.[1];
  return ctx.state.user ? next() : ctx.throw(401, 'sign in first');
});
app.use(async (ctx) => {
  if (ctx.method === 'POST') {
    await sse.publish(`${ctx.state.user}: ${await text(ctx.req)}`, `room:${ctx.path.split('/')[2]}`);
    ctx.status = 204;
  } else {
    ctx.respond = false;
    sse.handler(Object.assign(ctx.req, { user: ctx.state.user }), ctx.res);
  }
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}/rooms/kitchen`);
});
