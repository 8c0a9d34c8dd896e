import http from 'node:http';
import { check } from '../check.mjs';
import { marked } from '../mark.mjs';
import { Session } from '../session.mjs';

/** Many events in each request, several requests at once. */
export async function batch(spec) {
  const { clients, publishers, lines, warm, count, port, publishPath, size } = spec;
  const session = new Session(spec);
  await session.connect(clients);
  const agent = new http.Agent({ keepAlive: true, maxSockets: publishers });
  const publisher = { ranks: [], refused: 0 };
  let disordered = 0;

  const post = () => {
    const first = session.targets.length;
    let body = '';
    for (let number = first; number < first + lines; number++) {
      session.targets.push(['c0']);
      body += `{"channels":["c0"],"data":"${marked(number, size)}"}\n`;
    }
    session.expected += lines * clients;
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length };
      const request = http.request({ port, path: publishPath, method: 'POST', agent, headers }, (response) => {
        let text = '';
        response.setEncoding('latin1').on('data', (piece) => (text += piece));
        response.on('end', () => {
          const ids = [...text.matchAll(/"id":"[0-9a-f]+-(\d+)"/g)];
          publisher.refused += lines - ids.length;
          ids.forEach(([, offset], i) => {
            publisher.ranks[first + i] = Number(offset);
            if (i > 0 && Number(offset) !== publisher.ranks[first + i - 1] + 1) disordered++;
          });
          resolve();
        });
      });
      request.on('error', reject).end(body);
    });
  };
  const publish = async (requests) => {
    let left = requests;
    const line = async () => {
      while (left-- > 0) await post();
    };
    const began = performance.now();
    await Promise.all(Array.from({ length: publishers }, line));
    const seconds = (performance.now() - began) / 1000;
    await session.delivered();
    return seconds;
  };

  await publish(warm);
  const measured = session.measure();
  const seconds = await publish(count);
  const figures = measured(seconds);
  const events = count * lines;
  const violations = check({ clients: session.clients, targets: session.targets, publisher, connections: publishers });
  violations.disordered += disordered;
  return {
    ...figures,
    events,
    cpuPerEvent: (figures.cpuSeconds * 1e6) / events,
    violations,
  };
}
