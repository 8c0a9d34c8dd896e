// biome-ignore lint/suspicious/noExplicitAny: @types/node 26 types listeners by event, and then any; `never` does not fit that.
type Listener = (...args: any[]) => void;

/** What is needed of Node's `IncomingMessage` and of its HTTP/2 counterpart. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly httpVersionMajor: number;
  readonly socket: unknown;
  /** Null while nobody has begun to read the body. */
  readonly readableFlowing?: boolean | null;
  readonly readableEnded?: boolean;
  resume?(): unknown;
}

/** What is needed of a Node socket. */
export interface NodeSocket {
  readonly writableLength: number;
  readonly destroyed: boolean;
  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean;
  cork(): void;
  uncork(): void;
  setNoDelay?(on: boolean): unknown;
}

/** What is needed of Node's `ServerResponse` and of its HTTP/2 counterpart. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  readonly socket: unknown;
  readonly chunkedEncoding?: boolean;
  readonly writableLength?: number;
  readonly writableNeedDrain?: boolean;
  writeHead(status: number, headers: Record<string, string>): unknown;
  setHeader(name: string, value: string | string[]): unknown;
  getHeader?(name: string): unknown;
  /** Of both; @types/node leaves it out for HTTP/2. */
  flushHeaders?(): void;
  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean;
  end(body?: string | Uint8Array): unknown;
  destroy(): unknown;
  on(event: string, listener: Listener): unknown;
  once(event: string, listener: Listener): unknown;
}
