// workerd: a line of the response for every case. The scripted server is in the query.
import { runSuites } from './suites.mjs';

export default {
  async fetch(request) {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const say = (line) => writer.write(new TextEncoder().encode(`${line}\n`));
    const server = new URL(request.url).searchParams.get('server');
    runSuites(server, say).then(
      () => writer.close(),
      (error) => writer.abort(error),
    );
    return new Response(readable);
  },
};
