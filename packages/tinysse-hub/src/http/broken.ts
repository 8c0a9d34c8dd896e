import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';

/** Told of what is refused without a request: where it came from, and why. */
export type NoteRefusal = (address: string | undefined, reason: { code: string; message: string }) => void;

/** How a listener treats what does not become a request. */
export interface Broken {
  /** What is not HTTP, or too long or too slow. */
  answer(error: Error & { code?: string }, socket: Duplex): void;
  /** A stream of HTTP/2 whose body does not come. */
  late(stream: ServerHttp2Stream): void;
}

const LATE = {
  line: '408 Request Timeout',
  code: 'REQUEST_TIMEOUT',
  message: 'the request took too long to arrive',
};
const PROBLEMS: Record<string, typeof LATE> = {
  HPE_HEADER_OVERFLOW: {
    line: '431 Request Header Fields Too Large',
    code: 'HEADER_TOO_LARGE',
    message: 'the request line or the headers are too long',
  },
  ERR_HTTP_REQUEST_TIMEOUT: LATE,
};
const BAD = { line: '400 Bad Request', code: 'BAD_REQUEST', message: 'this is not an HTTP request' };

/** How long a client may take to look at an answer. */
const LINGER_MS = 2_000;

export function createBroken(note: NoteRefusal): Broken {
  return {
    answer(error, socket) {
      if (!socket.writable) {
        socket.destroy();
        return;
      }
      const { line, code, message } = PROBLEMS[error.code ?? ''] ?? BAD;
      const { _httpMessage: answering, remoteAddress } = socket as {
        _httpMessage?: ServerResponse;
        remoteAddress?: string;
      };
      note(remoteAddress, { code, message });
      // An answer that is on its way must not get another one into its middle. Node keeps it there, and looks there itself.
      if (answering?.headersSent) {
        socket.destroy();
        return;
      }
      const body = bodyOf({ code, message });
      // A client that never reads it is let go all the same.
      const late = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once('close', () => clearTimeout(late));
      socket.end(
        `HTTP/1.1 ${line}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
        () => socket.destroy(),
      );
    },
    late(stream) {
      note(stream.session?.socket.remoteAddress, LATE);
      if (!stream.headersSent) {
        stream.respond({ ':status': 408, 'content-type': 'application/json' });
        stream.end(bodyOf(LATE));
      }
      stream.close();
    },
  };
}

const bodyOf = ({ code, message }: { code: string; message: string }): string =>
  JSON.stringify({ error: { code, message } });
