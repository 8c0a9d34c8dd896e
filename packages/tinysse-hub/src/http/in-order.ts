import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that may wait. No usual client sends a second one before it has the first answer. */
const MOST_WAITING = 256;

/**
 * Answers the requests of one HTTP/1.1 connection one after the other. A request that was sent before the answer to the former
 * one has ended (pipelining) is not looked at until then, so a connection holds one stream at a time. Source: RFC 9112 section
 * 9.3.2, which allows more only for requests that change nothing. A connection with more than 256 waiting requests is cut off.
 */
export function inOrder(listener: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, number>();
  return (req: IncomingMessage, res: ServerResponse) => {
    // node:http gives a response its socket when the responses before it have ended.
    if (req.httpVersionMajor !== 1 || res.socket !== null) return listener(req, res);
    const { socket } = req;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > MOST_WAITING) return void socket.destroy();
    waiting.set(socket, count);
    res.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
      listener(req, res);
    });
  };
}
