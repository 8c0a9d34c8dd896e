// PORT=3000 node examples/express/server.mjs, then: curl -N -H 'authorization: Bearer ann' localhost:3000/rooms/kitchen
import express from 'express';
import { createSSEServer } from 'tinysse';

const sse = createSSEServer({
  channelProvider: {
    // `raw` is Express's request; `request.url` keeps the path that the handler is mounted on.
    resolveChannels: (request, { raw }) => [`user:${raw.user}`, `room:${new URL(request.url).pathname.split('/')[2]}`],
  },
});

const app = express();

app.use((req, res, next) => {
  // Stands for your own authentication.
  req.user = /^Bearer (\w+)$/.exec(req.get('authorization') ?? '')?.[1];
  if (req.user) next();
  else res.status(401).send('sign in first');
});

app.post('/rooms/:room', express.text(), async (req, res) => {
  await sse.publish(`${req.user}: ${req.body}`, `room:${req.params.room}`);
  res.sendStatus(204);
});
app.use('/rooms', sse.handler);

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}/rooms/kitchen`);
});
