import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that may wait. No usual client sends a second one before it has the first answer. */
const MOST_WAITING = 16;

interface Waiting {
  count: number;
  bytes: number;
}

/**
 * Answers the requests of one HTTP/1.1 connection one after the other. A request that was sent before the answer to the former
 * one has ended (pipelining) is not looked at until then, so a connection holds one stream at a time. Source: RFC 9112 section
 * 9.3.2, which allows more only for requests that change nothing. A connection with more than 16 waiting requests is cut off.
 *
 * @param mostBytes - what the waiting requests of one connection may have together of targets and headers; one with more is cut off
 */
export function inOrder(listener: RequestListener, mostBytes: number): RequestListener {
  const connections = new WeakMap<Socket, Waiting>();
  return (req: IncomingMessage, res: ServerResponse) => {
    // node:http gives a response its socket when the responses before it have ended.
    if (req.httpVersionMajor !== 1 || res.socket !== null) return listener(req, res);
    const { socket } = req;
    const waiting = connections.get(socket) ?? { count: 0, bytes: 0 };
    connections.set(socket, waiting);
    const bytes = bytesOf(req);
    waiting.count++;
    waiting.bytes += bytes;
    if (waiting.count > MOST_WAITING || waiting.bytes > mostBytes) return void socket.destroy();
    res.once('socket', () => {
      waiting.count--;
      waiting.bytes -= bytes;
      listener(req, res);
    });
  };
}

/** What a request holds while it waits: node:http gives its target and headers one character for each byte. */
const bytesOf = ({ url = '', rawHeaders }: IncomingMessage): number =>
  rawHeaders.reduce((sum, { length }) => sum + length, url.length);
