import net from 'node:net';

/** What happens to one connection; connections beyond the schedule go through unharmed. */
export interface Fault {
  /**
   * `'refuse'`: it is closed before anything is answered. `'status'`: it is answered 503 on the way.
   * `'cut'`: it is closed after `bytes` of the answer, wherever in a frame that is.
   * `'stall'`: nothing more is let through after `bytes`. `'late'`: as `'stall'`, but what was held back comes when the
   * next connection has been answered: bytes of an attempt that the client has given up.
   * `'repeat'`: from `bytes` on, chunks are sent twice until it is closed after twice as many.
   * `'later'`: it is answered 429 with `Retry-After: askedS`. `'retry'`: it is a stream of `retry:` with as much, which ends.
   * `'redirect'`, `'abroad'`: it is sent on, within the origin or to another one.
   */
  kind: 'refuse' | 'status' | 'cut' | 'stall' | 'late' | 'repeat' | 'later' | 'retry' | 'redirect' | 'abroad';
  /** Counted from the first byte of the answer. */
  bytes: number;
  /** The answer comes through in pieces of so many bytes. */
  piece: number;
  /** The wait that `'later'` and `'retry'` ask for, in seconds. */
  askedS: number;
}

export interface FaultyProxy {
  port: number;
  close(): void;
}

export interface ProxyOptions {
  /** Where the server is. */
  target: number;
  faults: readonly Fault[];
  /** The n-th connection has come: nothing of it has been passed on. */
  onConnect(n: number): void | Promise<void>;
  /** The n-th connection's answer has begun to come through. */
  onAnswer(n: number): void;
  /** The n-th connection's fault has struck. */
  onFault(n: number): void;
  /** The head of the n-th request, and whether it came to the other origin. */
  onRequest(n: number, head: string, isAbroad: boolean): void;
}

/** What is answered without the server; undefined: the connection is closed. */
function answerOf({ kind, askedS }: Fault, path: string, port: number): string | undefined {
  const close = 'connection: close\r\n';
  if (kind === 'status') return `HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n${close}\r\n`;
  if (kind === 'later') return `HTTP/1.1 429 Too Many\r\nretry-after: ${askedS}\r\ncontent-length: 0\r\n${close}\r\n`;
  if (kind === 'retry')
    return `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${close}\r\nretry: ${askedS * 1_000}\n\n`;
  const to = kind === 'abroad' ? `http://localhost:${port}${path}` : path;
  return kind === 'refuse'
    ? undefined
    : `HTTP/1.1 307 Temporary Redirect\r\nlocation: ${to}\r\ncontent-length: 0\r\n${close}\r\n`;
}

/** A TCP proxy before a server, which harms connections as a schedule says. */
export async function createFaultyProxy(options: ProxyOptions): Promise<FaultyProxy> {
  const { target, faults } = options;
  const sockets = new Set<net.Socket>();
  const keep = (socket: net.Socket): net.Socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    return socket.on('error', () => {}).setNoDelay();
  };
  let count = 0;
  /** Lets through what is held back and what comes after it. */
  const late = new Set<() => void>();

  const server = net.createServer(async (client) => {
    keep(client);
    const n = count++;
    const fault = faults[n];
    await options.onConnect(n);
    // The client may have gone meanwhile.
    const head = await new Promise<Buffer | undefined>((resolve) => {
      client.once('data', resolve).once('close', () => resolve(undefined));
    });
    client.pause();
    const [, path = '/'] = /^\S+ (\S+)/.exec(String(head)) ?? [];
    options.onRequest(n, String(head), /^host: localhost/im.test(String(head)));
    if (fault && /^(refuse|status|later|retry|redirect|abroad)$/.test(fault.kind)) {
      client.end(answerOf(fault, path, port) ?? '');
      // What it asked for is read, so that the end is an end and not a reset of the connection.
      client.resume();
      options.onFault(n);
      return;
    }

    const upstream = keep(net.connect(target, '127.0.0.1'));
    if (head) upstream.write(head);
    client.pipe(upstream);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
    let passed = 0;
    let struck = false;
    let held: Buffer[] | undefined = [];

    const pass = (bytes: Buffer): void => {
      if (bytes.length === 0) return;
      if (passed === 0) {
        options.onAnswer(n);
        for (const release of late) release();
        late.clear();
      }
      passed += bytes.length;
      for (let at = 0; at < bytes.length; at += fault?.piece ?? bytes.length)
        client.write(bytes.subarray(at, at + (fault?.piece ?? bytes.length)));
    };
    const strike = (): void => {
      if (struck || !fault) return;
      struck = true;
      options.onFault(n);
      if (fault.kind === 'cut') client.destroy();
      if (fault.kind === 'late')
        late.add(() => {
          for (const bytes of held!) client.write(bytes);
          held = undefined;
        });
    };

    if (fault?.kind === 'repeat') {
      const chunks = createChunks();
      upstream.on('data', (bytes) => {
        for (const chunk of chunks(bytes)) {
          pass(chunk);
          if (passed < fault.bytes) continue;
          strike();
          // A reset is told once: a client takes it as often as it is told.
          if (/^[0-9a-f]+\r\n/.test(chunk.toString('latin1')) && !chunk.includes('tinysse:reset')) pass(chunk);
          if (passed >= 2 * fault.bytes) client.destroy();
        }
      });
    } else
      upstream.on('data', (bytes) => {
        const left = fault && held ? Math.max(0, fault.bytes - passed) : bytes.length;
        pass(bytes.subarray(0, left));
        if (!fault || bytes.length < left) return;
        strike();
        held?.push(bytes.subarray(left));
      });
  });
  // Of every address: `localhost` is the other origin.
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as net.AddressInfo;

  return {
    port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Cuts an answer in chunked coding into its head and its whole chunks. */
function createChunks(): (bytes: Buffer) => Buffer[] {
  let rest = Buffer.alloc(0);
  let head = true;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const whole: Buffer[] = [];
    for (;;) {
      const lineEnd = rest.indexOf(head ? '\r\n\r\n' : '\r\n');
      if (lineEnd < 0) return whole;
      const end = head ? lineEnd + 4 : lineEnd + 4 + Number.parseInt(rest.toString('latin1', 0, lineEnd), 16);
      if (rest.length < end) return whole;
      whole.push(rest.subarray(0, end));
      rest = rest.subarray(end);
      head = false;
    }
  };
}
