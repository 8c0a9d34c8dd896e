import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Head, readHead } from './head.js';
import { Turns } from './turns.js';

/** A connection that says nothing for so long is left to node:http, which has its own patience. */
const SILENT_MS = 1_000;
/** Of a crowd that comes at once so many are answered in one turn: what is published meanwhile must not wait for all of them. */
const STREAMS_PER_TURN = 100;
const [CR, LF] = [13, 10];

/**
 * Answers usual requests for the stream without node:http's parser, which costs every connection that is open 3 KB and a
 * third of the CPU of connecting. It looks at the first bytes of a connection: if they are exactly the head of such a request,
 * the server's listeners get it with a response of node:http; everything else goes to node:http as it came.
 * bench: idle, connect
 *
 * @returns cuts the connections that node:http does not know of
 */
export function peek(server: Server): () => void {
  const take = server.listeners('connection');
  const sockets = new Set<Socket>();
  const turns = new Turns(STREAMS_PER_TURN);
  // Listeners are functions of all connections, not of one: it is what is open for long and idle that counts.
  const release = (socket: Socket): void => {
    socket.off('data', onData).off('timeout', onTimeout).setTimeout(0);
  };
  const leave = (socket: Socket, chunk?: Buffer): void => {
    release(socket);
    socket.off('data', onMore).off('end', onEnd).off('error', onError).off('close', onClose);
    sockets.delete(socket);
    socket.pause();
    if (chunk) socket.unshift(chunk);
    for (const listener of take) listener.call(server, socket);
    socket.resume();
  };

  function onData(this: Socket, chunk: Buffer): void {
    const head = readHead(chunk);
    if (!head) return leave(this, chunk);
    release(this);
    this.on('data', onMore);
    turns.take(() => answer(this, head));
  }
  const answer = (socket: Socket, { url, headers }: Head): void => {
    if (socket.destroyed || socket.writableEnded) return;
    const request = new Request(socket, url, headers) as unknown as IncomingMessage;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', onFinish);
    server.emit('request', request, response);
    socket.resume();
  };
  /**
   * What follows the request is for node:http to judge. It finds the response on the socket, as it would find its own: a next
   * request waits behind it, and bytes that are no request end the connection.
   */
  function onMore(this: Socket, chunk: Buffer): void {
    // RFC 9112 section 2.2: clients that end a request with one line end too many are no error.
    if (chunk.every((byte) => byte === CR || byte === LF)) return;
    if (isAnswered(this)) leave(this, chunk);
    else {
      this.pause();
      this.unshift(chunk);
    }
  }
  function onTimeout(this: Socket): void {
    leave(this);
  }
  function onClose(this: Socket): void {
    sockets.delete(this);
  }

  server.removeAllListeners('connection').on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    socket.setTimeout(SILENT_MS, undefined).on('timeout', onTimeout);
  });
  return () => sockets.forEach((socket) => void socket.destroy());
}

/** What the hub uses of an IncomingMessage. */
class Request {
  readonly method = 'GET';
  readonly httpVersion = '1.1';
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  readonly complete = true;
  readonly socket: Socket;
  readonly url: string;
  readonly headers: Record<string, string>;

  constructor(socket: Socket, url: string, headers: Record<string, string>) {
    this.socket = socket;
    this.url = url;
    this.headers = headers;
  }
}

/** Whether a response has been put on the socket. node:http keeps it there. */
const isAnswered = (socket: Socket): boolean =>
  Boolean((socket as { _httpMessage?: ServerResponse | null })._httpMessage);

/** The client will send no more. A stream is over then, as it is for node:http. */
function onEnd(this: Socket): void {
  this.end();
}

/** The close that follows tells everybody. */
function onError(): void {}

function onFinish(this: ServerResponse): void {
  (this.socket as Socket | null)?.destroySoon();
}
